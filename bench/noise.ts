import type { Device } from '../src/tensor/device.js';
import { type LevelSize, Pyramid } from '../src/tensor/pyramid.js';
import { Random } from '../src/tensor/random.js';
import { sizeOf, type Tensor } from '../src/tensor/tensor.js';

const random = Random.of(1);

/** Random values, uniform in [low, high); each call draws new ones. */
export function noise(device: Device, shape: readonly number[], low = -1, high = 1): Tensor {
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = random.uniform(low, high);
  return device.tensor(values, shape);
}

/** Feature maps or logits of random values. */
export function noiseMaps(
  device: Device,
  { batch, channels, levels }: { batch: number; channels: number; levels: readonly LevelSize[] },
  low = -1,
  high = 1,
): Pyramid {
  const area = levels.reduce((sum, { height, width }) => sum + height * width, 0);
  return Pyramid.of(noise(device, [batch * channels * area], low, high), batch, channels, levels);
}
