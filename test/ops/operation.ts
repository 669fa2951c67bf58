import { expect } from 'vitest';
import { one } from '../../src/autograd/one.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { replaced } from '../../src/ops/dimensions.js';
import { storedAs } from '../../src/ops/storedAs.js';
import type { Device } from '../../src/tensor/device.js';
import { Random } from '../../src/tensor/random.js';
import type { StoredType } from '../../src/tensor/stored.js';
import { count, type NdArray } from '../reference/arrays.js';
import { expectClose } from '../reference/closeTo.js';
import { steps, stored } from './halves.js';
import { noise } from './maps.js';

/** Elements of each input whose gradient is compared. */
const SAMPLES = 24;

/** An operation and its oracle, of the same inputs. */
export interface Compared {
  /** Shapes of the inputs, which are drawn from [-1, 1), or the inputs. */
  inputs: readonly (readonly number[] | NdArray)[];
  run: (...inputs: Variable[]) => Variable;
  oracle: (...inputs: NdArray[]) => NdArray;
  /** Of the values and of the gradients: of what f32 computes, absolute and relative, to which the rounding of f16 comes; or in all. */
  tolerance: number | { absolute: number; relative: number };
  /** Draws inputs and the arriving gradient; default `noise`, or `steps` where there is f16. */
  draw?: (random: Random, length: number) => Float32Array<ArrayBuffer>;
  seed: number;
  /** What each input is stored in, by default all in f32. With an f16, the result is of f16; then f16 has to hold all inputs exactly. */
  types?: readonly StoredType[];
  /** Half the distance of the differences; small where the oracle bends, any where it is linear. */
  step?: number;
}

/**
 * Compares an operation with its oracle, and the gradients of all inputs with central differences of the oracle; all memory that
 * the operation took is given back.
 */
export async function expectOperation(
  device: Device,
  { inputs, run, oracle, tolerance, draw, seed, types = [], step = 1e-5 }: Compared,
): Promise<void> {
  const random = Random.of(seed);
  const typeOf = (which: number) => types[which] ?? 'f32';
  const isHalf = types.includes('f16');
  const drawn = draw ?? (isHalf ? steps : noise);
  const arrays = inputs.map((input): NdArray => {
    if ('shape' in input) return { shape: input.shape, values: Float32Array.from(input.values) };
    return { shape: input, values: drawn(random, count(input)) };
  });
  const close = (type: StoredType) => {
    if (typeof tolerance !== 'number') return tolerance;
    return type === 'f16' ? stored(tolerance) : { absolute: tolerance, relative: tolerance };
  };
  const tensors = arrays.map(({ shape, values }) => device.tensor(values, shape));
  const expected = oracle(...arrays);
  const weights = drawn(random, count(expected.shape));
  const incoming = device.tensor(weights, expected.shape);
  one(device); // kept by the device from its first use on
  const before = device.pool.usedBytes;

  const leaves = tensors.map((tensor) => new Variable(tensor, true));
  const made = run(...leaves.map((leaf, which) => storedAs(leaf, typeOf(which))));
  const type = isHalf ? 'f16' : 'f32';
  expect(made.value.type).toBe(type);
  const output = storedAs(made, 'f32');
  expect(output.value.shape).toEqual(expected.shape);
  expectClose(await output.value.read(), expected.values, close(type));
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
      close(typeOf(which)),
      `gradient of input ${which}`,
    );
    leaf.gradient!.dispose();
  }
  expect(device.pool.usedBytes, 'bytes in use').toBe(before);
  // Nor does it keep any where no gradient is wanted.
  const constants = tensors.map((tensor, which) => storedAs(new Variable(tensor), typeOf(which)));
  run(...constants).value.dispose();
  for (const [which, { value }] of constants.entries()) if (value !== tensors[which]) value.dispose();
  expect(device.pool.usedBytes, 'bytes in use without gradients').toBe(before);
  for (const tensor of [...tensors, incoming]) tensor.dispose();
}
