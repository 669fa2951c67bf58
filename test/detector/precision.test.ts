import { afterEach, expect, test } from 'vitest';
import { backward } from '../../src/autograd/variable.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { gpuChoices } from '../../src/gpu/choices.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { bareDevice, sharedDevice } from '../device.js';
import { noise } from '../ops/maps.js';

const device = await sharedDevice();
afterEach(() => device.setChoices({}));
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 9, width: 96, height: 64 });

/** |x − y| / |y|, of all elements together. */
function distance(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let [apart, whole] = [0, 0];
  for (let i = 0; i < y.length; i++) {
    apart += (x[i] - y[i]) ** 2;
    whole += y[i] ** 2;
  }
  return Math.sqrt(apart / whole);
}

/** Outputs, gradients of all parameters, and the bytes that a training's forward pass holds. */
async function passes(precision: 'f32' | 'f16') {
  const detector = new Detector(device, config, { seed: 1, precision });
  const random = Random.of(2);
  const pixels = device.tensor(Float32Array.from({ length: 2 * 3 * 64 * 96 }, () => random.normal()));
  const images = Pyramid.of(pixels, 2, 3, [config]);
  const before = device.pool.usedBytes;
  const { classLogits, boxLogits, features } = detector.forward(images, { training: true });
  const bytes = device.pool.usedBytes - before;
  const outputs = [classLogits, boxLogits, features];
  const values = await Promise.all(outputs.map(({ value }) => value.read()));
  const seeds = outputs.map((variable) => ({ variable, gradient: device.tensor(noise(random, variable.value.size)) }));
  backward(seeds);
  const gradients = await detector.parameters.gradients.read();
  for (const { gradient } of seeds) gradient.dispose();
  const left = device.pool.usedBytes - before;
  const constant = detector.forward(images, { training: false });
  const again = await Promise.all([constant.classLogits, constant.boxLogits].map(({ value }) => value.read()));
  expect(again).toEqual(values.slice(0, 2));
  for (const { value } of [constant.classLogits, constant.boxLogits, constant.features]) value.dispose();
  expect(device.pool.usedBytes - before).toBe(left);
  pixels.dispose();
  detector.dispose();
  return { values, gradients, bytes, left };
}

test.skipIf(!device.gpu.features.has('shader-f16'))(
  'f16 says what f32 says, in little more than half the memory',
  async () => {
    const [single, half] = [await passes('f32'), await passes('f16')];
    // Each stored map is off by up to 2⁻¹¹ of itself; an output comes through some 20 of them, whose errors are independent.
    for (const [i, values] of half.values.entries())
      expect(distance(values, single.values[i])).toBeLessThan(20 * 2 ** -11);
    // Rounding takes some 2⁻¹¹ of the elements before each of 9 ReLUs across 0, where the whole gradient of the element is passed or is not.
    expect(distance(half.gradients, single.gradients)).toBeLessThan(Math.sqrt(9 * 2 ** -11));
    // Logits, box logits before their scale, and what the towers give to the last convolutions stay f32; the pool rounds up by a fifth.
    const locations = 2 * (8 * 12 + 4 * 6 + 2 * 3);
    const kept = 4 * locations * (3 + 2 * 4 * 9 + 2 * 24);
    expect(half.bytes).toBeLessThan(single.bytes / 2 + 1.2 * kept);
    expect([single.left, half.left]).toEqual([0, 0]);
  },
);

test('an adapter without f16 is named, with the remedy', async () => {
  const bare = await bareDevice();
  expect(() => new Detector(bare, config, { seed: 1, precision: 'f16' })).toThrow(
    /precision: f16 needs the feature shader-f16, which the adapter without subgroups lacks; take f32 \(--precision f32\)/,
  );
});

test.skipIf(!device.gpu.features.has('shader-f16'))("in f16 by a GPU's variants", async () => {
  const own = await passes('f16');
  device.setChoices(gpuChoices(device.gpu));
  const other = await passes('f16');
  for (const [i, values] of other.values.entries()) expect(distance(values, own.values[i])).toBeLessThan(20 * 2 ** -11);
  expect(distance(other.gradients, own.gradients)).toBeLessThan(Math.sqrt(9 * 2 ** -11));
  expect(other.left).toBe(own.left);
});

test("a GPU's variants of kernels say what a processor's do, and hold no copies of maps", async () => {
  const own = await passes('f32');
  device.setChoices(gpuChoices(device.gpu));
  const other = await passes('f32');
  for (const [i, values] of other.values.entries()) expect(distance(values, own.values[i])).toBeLessThan(1e-5);
  // As above: of f32, up to 10⁻⁶ of the elements are taken across 0.
  expect(distance(other.gradients, own.gradients)).toBeLessThan(Math.sqrt(9e-6));
  expect(other.bytes).toBeLessThan(0.8 * own.bytes);
});
