import { expect } from 'vitest';
import { one } from '../../src/autograd/one.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { replaced } from '../../src/ops/dimensions.js';
import type { Device } from '../../src/tensor/device.js';
import { Random } from '../../src/tensor/random.js';
import { count, type NdArray } from '../reference/arrays.js';
import { expectClose } from '../reference/closeTo.js';
import { noise } from './maps.js';

/** Elements of each input whose gradient is compared. */
const SAMPLES = 24;

/** An operation and its oracle, of the same inputs. */
export interface Compared {
  /** Shapes of the inputs, which are drawn from [-1, 1), or the inputs. */
  inputs: readonly (readonly number[] | NdArray)[];
  run: (...inputs: Variable[]) => Variable;
  oracle: (...inputs: NdArray[]) => NdArray;
  /** Of the values and of the gradients; a number is both absolute and relative. */
  tolerance: number | { absolute: number; relative: number };
  /** Draws inputs and the arriving gradient; default `noise`. */
  draw?: (random: Random, length: number) => Float32Array<ArrayBuffer>;
  seed: number;
  /** Half the distance of the differences; small where the oracle bends, any where it is linear. */
  step?: number;
}

/**
 * Compares an operation with its oracle, and the gradients of all inputs with central differences of the oracle; all memory that
 * the operation took is given back.
 */
export async function expectOperation(
  device: Device,
  { inputs, run, oracle, tolerance, draw = noise, seed, step = 1e-5 }: Compared,
): Promise<void> {
  const random = Random.of(seed);
  const arrays = inputs.map((input): NdArray => {
    if ('shape' in input) return { shape: input.shape, values: Float32Array.from(input.values) };
    return { shape: input, values: draw(random, count(input)) };
  });
  const close = typeof tolerance === 'number' ? { absolute: tolerance, relative: tolerance } : tolerance;
  const tensors = arrays.map(({ shape, values }) => device.tensor(values, shape));
  const expected = oracle(...arrays);
  const weights = draw(random, count(expected.shape));
  const incoming = device.tensor(weights, expected.shape);
  one(device); // kept by the device from its first use on
  const before = device.pool.usedBytes;

  const leaves = tensors.map((tensor) => new Variable(tensor, true));
  const output = run(...leaves);
  expect(output.value.shape).toEqual(expected.shape);
  expectClose(await output.value.read(), expected.values, close);
  backward({ variable: output, gradient: incoming });
  expectClose(await incoming.read(), weights, {}, 'the incoming gradient');

  const project = (changed: readonly NdArray[]) => {
    const { values } = oracle(...changed);
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i] * weights[i];
    return sum;
  };
  for (const [which, leaf] of leaves.entries()) {
    const { shape, values } = arrays[which];
    expect(leaf.gradient!.shape).toEqual(shape);
    const gradient = await leaf.gradient!.read();
    const elements = random.shuffle(Array.from(values, (_, i) => i)).slice(0, SAMPLES);
    const moved = (element: number, by: number) => {
      const other = Float64Array.from(values);
      other[element] += by;
      return project(replaced(arrays, which, { shape, values: other }));
    };
    expectClose(
      elements.map((element) => gradient[element]),
      elements.map((element) => (moved(element, step) - moved(element, -step)) / (2 * step)),
      close,
      `gradient of input ${which}`,
    );
    leaf.gradient!.dispose();
  }
  expect(device.pool.usedBytes, 'bytes in use').toBe(before);
  // Nor does it keep any where no gradient is wanted.
  const constant = run(...tensors.map((tensor) => new Variable(tensor)));
  constant.value.dispose();
  expect(device.pool.usedBytes, 'bytes in use without gradients').toBe(before);
  for (const tensor of [...tensors, incoming]) tensor.dispose();
}
