import { Random } from '../tensor/random.js';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { integer, listOf, optional, options as optionsOf, positive, work } from '../util/argument.js';
import { assertVariable } from './argument.js';
import { backward, Variable } from './variable.js';

/** The worst differences between the gradients of a function and its central differences. */
export interface GradientCheck {
  /** max |analytic − numeric| */
  absolute: number;
  /** max |analytic − numeric| / max |numeric| over an input's tested elements, the worst input */
  relative: number;
}

/** How finely `checkGradients` looks. */
export interface GradientCheckOptions {
  /** Half the distance between the two evaluations. Large enough that f32 rounding stays below the tolerance. */
  step?: number;
  /** Elements tested of each input, drawn at random. */
  samples?: number;
  /** Of the drawn elements and of v; default 1. */
  seed?: number;
}

const TENSORS = listOf((name, value) => assertTensor(name, value), 'tensors');
const OPTIONS = optionsOf({ step: optional(positive), samples: optional(integer(1)), seed: optional(integer(0)) });

/**
 * Compares the gradients of `f` with central differences, (L(x+h) − L(x−h)) / 2h, for L = Σ v·f(x) with random v.
 * The sum is taken in float64 on the host. Meant for tests of one's own operations.
 * @param f builds the graph from leaves; called many times
 * @param inputs tensors of type f32; their values are changed and put back
 * @throws InputError without inputs, or where they are no tensors
 */
export async function checkGradients(
  f: (...inputs: Variable[]) => Variable,
  inputs: Tensor[],
  options: GradientCheckOptions = {},
): Promise<GradientCheck> {
  work('f', f);
  TENSORS('inputs', inputs);
  OPTIONS('options', options);
  const { step = 1e-2, samples = 12, seed = 1 } = options;
  const { device } = inputs[0];
  for (const input of inputs) assertTensor('inputs', input, { device });
  const random = Random.of(seed);
  const evaluate = (): { output: Variable; leaves: Variable[] } => {
    const leaves = inputs.map((input) => new Variable(input, true));
    const output = f(...leaves);
    assertVariable('f, its result', output, device);
    return { output, leaves };
  };

  const first = evaluate();
  const weights = Float32Array.from({ length: first.output.value.size }, () => random.uniform(-1, 1));
  const seedGradient = device.tensor(weights, first.output.value.shape);
  backward({ variable: first.output, gradient: seedGradient });
  const analytic: ArrayLike<number>[] = [];
  for (const leaf of first.leaves) {
    analytic.push(leaf.gradient ? await leaf.gradient.read() : new Float32Array(leaf.value.size));
    leaf.gradient?.dispose();
  }

  const project = async (): Promise<number> => {
    const { value } = evaluate().output;
    const values = await value.read();
    value.dispose();
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i] * weights[i];
    return sum;
  };
  const worst = { absolute: 0, relative: 0 };
  for (const [index, input] of inputs.entries()) {
    const original = await input.read();
    const elements = random.shuffle([...original.keys()]).slice(0, samples);
    let difference = 0;
    let scale = 0;
    for (const element of elements) {
      const at = async (offset: number): Promise<number> => {
        const moved = original.slice();
        moved[element] += offset;
        input.write(moved);
        return project();
      };
      const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
      difference = Math.max(difference, Math.abs(numeric - analytic[index][element]));
      scale = Math.max(scale, Math.abs(numeric));
    }
    input.write(original);
    worst.absolute = Math.max(worst.absolute, difference);
    if (difference > 0) worst.relative = Math.max(worst.relative, difference / Math.max(scale, Number.MIN_VALUE));
  }
  return worst;
}
