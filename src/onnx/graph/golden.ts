import { backward, Variable } from '../../autograd/variable.js';
import type { SafetensorsFile, StoredTensor } from '../../data/safetensors.js';
import type { Deviation } from '../../eval/deviation.js';
import type { Device } from '../../tensor/device.js';
import { brief } from '../../util/brief.js';
import { InputError } from '../../util/error.js';
import { GraphNet } from './graphNet.js';
import { readGraph } from './plan.js';

/** How far outputs and gradients may be off, relative to a tensor's largest value: f32 through some seventy layers. */
const OUTPUTS = 1e-4;
const GRADIENTS = 1e-3;

/** Outputs of an ONNX model and gradients of its initializers, as other code found them in float64. */
export interface GoldenGraphCase {
  /** Where it was read from. */
  file: string;
  /** What the model is given. */
  inputs: ReadonlyMap<string, GoldenTensor>;
  /** What it makes of that. */
  outputs: ReadonlyMap<string, GoldenTensor>;
  /** The loss is Σ output · cotangent. */
  cotangents: ReadonlyMap<string, GoldenTensor>;
  /** Of that loss, for some initializers. */
  gradients: ReadonlyMap<string, GoldenTensor>;
  /** The L2 norm of the gradient of each initializer that learns. */
  norms: ReadonlyMap<string, number>;
}

interface GoldenTensor {
  shape: readonly number[];
  data: Float32Array;
}

/** Whether a file holds a case of an ONNX graph. */
export function isGoldenGraph({ metadata }: SafetensorsFile): boolean {
  return metadata.head === 'onnx-graph';
}

/**
 * The case in a safetensors file that has been read.
 * @param file its name, for messages
 * @throws InputError the file holds none: it names the key and what was expected
 */
export function parseGoldenGraph({ tensors, metadata }: SafetensorsFile, file: string): GoldenGraphCase {
  const wrong = (found: string, expected: string) =>
    new InputError(`${file} is no golden case: ${found}; expected ${expected}.`);
  const of = (part: string) =>
    new Map(
      [...tensors]
        .filter(([key]) => key.startsWith(`${part}.`))
        .map(([key, { shape, data, dtype }]: [string, StoredTensor]) => {
          if (!(data instanceof Float32Array || data instanceof Float64Array)) {
            throw wrong(`tensor ${key} is ${dtype}`, 'F32 or F64');
          }
          return [key.slice(part.length + 1), { shape, data: Float32Array.from(data) }] as const;
        }),
    );
  const [inputs, outputs, cotangents] = [of('input'), of('output'), of('cotangent')];
  if (inputs.size === 0) throw wrong('it has no tensor input.NAME', 'at least one');
  if (outputs.size === 0) throw wrong('it has no tensor output.NAME', 'at least one');
  for (const [name, { shape }] of outputs) {
    const found = cotangents.get(name)?.shape;
    if (found?.join() !== shape.join()) {
      throw wrong(`tensor cotangent.${name} is ${found ? brief(found) : 'missing'}`, `[${shape}]`);
    }
  }
  return { file, inputs, outputs, cotangents, gradients: of('grad'), norms: normsOf(metadata.gradientNorms, wrong) };
}

function normsOf(text: string | undefined, wrong: (found: string, expected: string) => InputError) {
  const expected = 'a norm by initializer, as JSON';
  if (text === undefined) throw wrong('metadata gradientNorms is missing', expected);
  try {
    const norms: unknown = JSON.parse(text);
    const entries = Object.entries(norms ?? {});
    if (typeof norms === 'object' && entries.every(([, norm]) => typeof norm === 'number')) return new Map(entries);
  } catch {
    // Not JSON: the same error as JSON of another kind.
  }
  throw wrong(`metadata gradientNorms is ${brief(text)}`, expected);
}

/**
 * Runs the model forward and back on the device and compares outputs, gradients, and the norms of all gradients.
 * @param model bytes of the model, with its weights inside
 * @param name of the model, for messages
 * @returns one entry for each output and gradient, and one for all norms, of the worst
 * @throws InputError when the model cannot be read, or is not that of the case
 */
export async function checkGoldenGraph(
  device: Device,
  golden: GoldenGraphCase,
  model: Uint8Array,
  name: string,
): Promise<Deviation[]> {
  const shapes = Object.fromEntries([...golden.inputs].map(([input, { shape }]) => [input, shape]));
  const train = [...new Set([...golden.norms.keys(), ...golden.gradients.keys()])];
  const outputsOf = { name, outputs: [...golden.outputs.keys()], shapes };
  const graph = await readGraph(model, train.length > 0 ? { ...outputsOf, train } : outputsOf);
  const net = new GraphNet(device, graph);
  try {
    const [outputs, flat] = await device.tidy(() => run(net, golden));
    const gradients = net.parameters.split(flat);
    const found: Deviation[] = [];
    for (const [output, expected] of golden.outputs) {
      found.push(compared(`output ${output}`, outputs.get(output) ?? [], expected.data, OUTPUTS));
    }
    for (const [parameter, expected] of golden.gradients) {
      const own = gradients.get(parameter)?.data ?? [];
      found.push(compared(`gradient of ${parameter}`, own, expected.data, GRADIENTS));
    }
    // What the outputs do not depend on has no gradient.
    const norms = [...golden.norms].map(([parameter, expected]) => {
      const own = Math.sqrt(sumOfSquares(gradients.get(parameter)?.data ?? []));
      return compared(`norm of the gradient of ${parameter}`, [own], [expected], GRADIENTS);
    });
    return norms.length > 0 ? [...found, worstOf(norms)] : found;
  } finally {
    net.dispose();
  }
}

/** Each read records its copy at once, before the tensors are given back. */
function run(net: GraphNet, golden: GoldenGraphCase): Promise<[Map<string, ArrayLike<number>>, Float32Array]> {
  const { device, parameters } = net;
  const upload = ({ data, shape }: GoldenTensor) => device.tensor(data, shape);
  const inputs = Object.fromEntries(
    [...golden.inputs].map(([name, tensor]) => [name, new Variable(upload(tensor))] as const),
  );
  const outputs = net.forward(inputs, { training: true });
  const reads = [...outputs].map(async ([name, { value }]) => [name, await value.read()] as const);
  parameters.zeroGradients();
  const seeds = [...golden.cotangents].flatMap(([name, cotangent]) => {
    const variable = outputs.get(name);
    return variable?.requiresGradient ? [{ variable, gradient: upload(cotangent) }] : [];
  });
  if (seeds.length > 0) backward(seeds);
  const gradients = parameters.gradients.read();
  return Promise.all([
    Promise.all(reads).then((entries) => new Map(entries)),
    gradients.then((values) => Float32Array.from(values)),
  ]);
}

function sumOfSquares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2;
  return sum;
}

/** Passes where no element is further off than `tolerance` times the largest expected one. */
function compared(
  name: string,
  computed: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): Deviation {
  let absolute = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(computed[i] - expected[i]);
    absolute = Math.max(absolute, Number.isFinite(distance) ? distance : Number.MAX_VALUE);
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  const relative = largest > 0 ? Math.min(absolute / largest, Number.MAX_VALUE) : Math.min(absolute, 1) && 1;
  const passed = computed.length === expected.length && absolute <= tolerance * largest;
  return { name, absolute, relative, passed };
}

/** One line for hundreds. */
function worstOf(norms: readonly Deviation[]): Deviation {
  const worst = norms.reduce((a, b) => (b.relative > a.relative ? b : a));
  const failed = norms.filter(({ passed }) => !passed).length;
  const name =
    failed > 0 ? `${failed} of ${norms.length} gradients' norms, ${worst.name}` : `norms of ${norms.length} gradients`;
  return { ...worst, name, passed: failed === 0 };
}
