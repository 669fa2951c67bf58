/** Gradients whose forward pass is computed again, against those of what was kept. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backward } from '../../src/autograd/variable.js';
import { type DetectorConfig, detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import type { StoredType } from '../../src/tensor/stored.js';
import { sharedDevice } from '../device.js';
import { noise } from '../ops/maps.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');

interface Drawn {
  config: DetectorConfig;
  batch: number;
  precision: StoredType;
  /** Convolution of the towers whose features get a gradient, too; 0: none. */
  tower: number;
  /** Whether the features do. */
  imitates: boolean;
  frozen: string | null;
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    size: fc.constantFrom('tiny', 'small', 'base'),
    strides: fc.constantFrom([8], [8, 16, 32], [4, 8, 16], [8, 16, 32, 64]),
    classes: fc.integer({ min: 1, max: 5 }),
    batch: fc.integer({ min: 1, max: 2 }),
    width: fc.constantFrom(64, 128),
    precision: fc.constantFrom<StoredType>('f32', ...(hasHalf ? (['f16'] as const) : [])),
    tower: fc.integer({ min: 0, max: 1 }),
    imitates: fc.boolean(),
    frozen: fc.constantFrom(null, 'backbone.stem1', 'backbone', 'neck', 'head.class'),
  })
  .map(({ size, strides, classes, width, ...rest }) => ({
    ...rest,
    config: detectorConfig({ size, strides, classes, bins: 5, width, height: 64 }),
  }));

async function passes({ config, batch, precision, tower, imitates, frozen }: Drawn, recompute: boolean) {
  const detector = new Detector(device, config, { seed: 1, precision });
  const { parameters } = detector;
  parameters.freeze(parameters.names.filter((name) => frozen !== null && name.startsWith(frozen)));
  const random = Random.of(2);
  const images = Pyramid.of(device.tensor(noise(random, batch * 3 * 64 * config.width)), batch, 3, [config]);
  const before = device.pool.usedBytes;
  const made = detector.forward(images, { training: true, recompute, ...(tower > 0 && { tower }) });
  const bytes = device.pool.usedBytes - before;
  const outputs = [
    made.classLogits,
    made.boxLogits,
    ...(imitates ? [made.features] : []),
    ...(made.classTower && made.boxTower ? [made.classTower, made.boxTower] : []),
  ];
  const values = await Promise.all(outputs.map(({ value }) => value.read()));
  const seeds = outputs.map((variable) => ({ variable, gradient: device.tensor(noise(random, variable.value.size)) }));
  backward(seeds.filter(({ variable }) => variable.requiresGradient));
  const gradients = await parameters.gradients.read();
  for (const { gradient } of seeds) gradient.dispose();
  for (const { value } of outputs) value.dispose();
  const left = device.pool.usedBytes - before;
  detector.dispose();
  images.dispose();
  return { values, gradients, bytes, left };
}

test('outputs and gradients of all parameters have the same bits, and the forward pass holds less', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (given) => {
      const [plain, again] = [await passes(given, false), await passes(given, true)];
      expect(again.values).toEqual(plain.values);
      expect(again.gradients).toEqual(plain.gradients);
      expect(again.gradients.some((value) => value !== 0)).toBe(true);
      // Maps of frozen parameters alone are left to a tidy; a part of them is none.
      if (given.frozen === null) expect([plain.left, again.left]).toEqual([0, 0]);
      else expect(again.left).toBeLessThanOrEqual(plain.left);
      expect(again.bytes).toBeLessThan(plain.bytes);
    }),
    { numRuns: 6 },
  );
});
