import fc from 'fast-check';
import type { Device } from '../../src/tensor/device.js';
import { type LevelSize, Pyramid } from '../../src/tensor/pyramid.js';
import type { Random } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import type { FeatureMap } from '../reference/ops.js';

/** Sizes of up to three levels, from 1×1 on, odd and even. */
export const levelSizes: fc.Arbitrary<LevelSize[]> = fc.array(
  fc.record({ height: fc.integer({ min: 1, max: 19 }), width: fc.integer({ min: 1, max: 37 }) }),
  { minLength: 1, maxLength: 3 },
);

/** Random values in [-1, 1). */
export function noise(random: Random, length: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, () => random.uniform(-1, 1));
}

export function randomPyramid(
  device: Device,
  random: Random,
  batch: number,
  channels: number,
  sizes: readonly LevelSize[],
): Pyramid {
  const locations = sizes.reduce((sum, { height, width }) => sum + height * width, 0);
  return Pyramid.of(device.tensor(noise(random, batch * channels * locations)), batch, channels, sizes);
}

/** The levels of a pyramid as the oracles take them; of `tensor` where its values lie like the pyramid's (a gradient). */
export async function levelsOf(pyramid: Pyramid, tensor: Tensor = pyramid): Promise<FeatureMap[]> {
  const { batch, channels, levels } = pyramid;
  const values = await tensor.read();
  return levels.map(({ height, width, offset }) => {
    const length = batch * channels * height * width;
    return { batch, channels, height, width, values: values.subarray(offset, offset + length) };
  });
}

/** Element-wise sum over levels. */
export function summed(parts: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from({ length: parts[0].length }, (_, i) => parts.reduce((sum, part) => sum + part[i], 0));
}

export function joined(parts: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(parts.flatMap((part) => Array.from(part)));
}
