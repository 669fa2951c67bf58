/** Maps that are stored in f16, and how near to the oracle what is made of them has to be. */
import { expect } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { conv2d } from '../../src/ops/conv2d.js';
import { storedAs } from '../../src/ops/storedAs.js';
import type { Device } from '../../src/tensor/device.js';
import { type LevelSize, Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { expectClose } from '../reference/closeTo.js';
import * as oracle from '../reference/ops.js';
import { joined, levelsOf, summed } from './maps.js';

/** A stored value of 11 bits is within half a step of the exact one: 2⁻¹¹ of it; below 2⁻¹⁴ steps are of 2⁻²⁴, or values are flushed to 0. */
export const HALF = { relative: 2 ** -11, absolute: 2 ** -14 };
/** What is stored, of values that f32 knows to `rounding`, both ways. */
export const stored = (rounding: number) => ({
  relative: HALF.relative + rounding,
  absolute: HALF.absolute + (1 + HALF.relative) * rounding,
});

/** Multiples of 2⁻¹⁰ in [-1, 1): f16 holds them. */
export const steps = (random: Random, length: number) =>
  Float32Array.from({ length }, () => Math.floor(random.uniform(-1024, 1024)) / 1024);

/** Maps of f16, and a leaf of f32 that they were made of. */
export function halves(device: Device, random: Random, batch: number, channels: number, sizes: readonly LevelSize[]) {
  const locations = sizes.reduce((sum, { height, width }) => sum + height * width, 0);
  const values = device.tensor(steps(random, batch * channels * locations));
  const leaf = new Variable(Pyramid.of(values, batch, channels, sizes), true);
  return { leaf, maps: storedAs(leaf, 'f16') };
}

/** Lets a gradient of f16's values flow back from maps of f16, nothing into elements that `isLeftOut`. */
export function flow<T extends Tensor>(
  output: Variable<T>,
  random: Random,
  isLeftOut: (element: number) => boolean = () => false,
) {
  expect(output.value.type).toBe('f16');
  const widened = storedAs(output, 'f32');
  widened.retained = true;
  const values = steps(random, output.value.size).map((g, i) => (isLeftOut(i) ? 0 : g));
  const incoming = output.value.device.tensor(values);
  backward({ variable: widened, gradient: incoming });
  return { values: widened.value, incoming };
}

export interface HalfConvolution {
  batch: number;
  inputs: number;
  outputs: number;
  kernel: 1 | 3;
  stride: 1 | 2;
  sizes: readonly LevelSize[];
  seed: number;
}

/** A convolution of maps of f16 agrees with the oracle, forward and backward. */
export async function expectHalfConvolution(device: Device, convolution: HalfConvolution): Promise<void> {
  const { batch, inputs, outputs, kernel, stride, sizes, seed } = convolution;
  const random = Random.of(seed);
  const { leaf, maps } = halves(device, random, batch, inputs, sizes);
  const [weights, biases] = [steps(random, outputs * inputs * kernel ** 2), steps(random, outputs)];
  const weight = new Variable(device.tensor(weights, [outputs, inputs, kernel, kernel]), true);
  const bias = new Variable(device.tensor(biases), true);
  const levels = await levelsOf(leaf.value);
  const output = conv2d(maps, weight, bias, { stride });
  const { locations } = output.value;
  const { values, incoming } = flow(output, random);

  const options = { outputs, kernel, stride };
  const expected = levels.map((level) => oracle.conv2d(level, weights, biases, options));
  // As in conv2d.test.ts: f32 rounds by the number of products.
  const rounding = (products: number) => 1e-6 * Math.sqrt(products + 1);
  const made = joined(expected.map((level) => level.values));
  expectClose(await values.read(), made, stored(rounding(inputs * kernel ** 2)));
  const arrived = await levelsOf(values, incoming);
  const gradients = levels.map((level, i) => oracle.conv2dGradients(level, weights, arrived[i], options));
  const flowed = joined(gradients.map((g) => g.input));
  expectClose(await leaf.gradient!.read(), flowed, stored(rounding(outputs * kernel ** 2)));
  // Of f16 maps, but sums of f32.
  const pixels = { absolute: rounding(batch * locations), relative: 1e-6 };
  expectClose(await weight.gradient!.read(), summed(gradients.map((g) => g.weight)), pixels);
  expectClose(await bias.gradient!.read(), summed(gradients.map((g) => g.bias)), pixels);
}
