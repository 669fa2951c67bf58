import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backward, Variable } from '../../src/autograd/variable.js';
import { alignChannels } from '../../src/losses/alignChannels.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { alignedFeatures, type LevelFeatures, momentsOf } from '../reference/alignChannels.js';
import { expectClose } from '../reference/closeTo.js';
import { centralDifferences } from '../reference/differences.js';
import { runs } from '../runs.js';

const device = await sharedDevice();

const sizes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 3 }),
  levels: fc.array(fc.record({ height: fc.integer({ min: 1, max: 5 }), width: fc.integer({ min: 1, max: 5 }) }), {
    minLength: 1,
    maxLength: 2,
  }),
  seed: fc.nat(1e6),
  offset: fc.constantFrom(0, 100),
});

function pyramidOf(batch: number, channels: number, levels: { height: number; width: number }[], values: Float32Array) {
  const pyramid = Pyramid.empty(device, batch, channels, levels);
  pyramid.write(values);
  return pyramid;
}

test('features and gradient are those of the float64 oracle', () =>
  fc.assert(
    fc.asyncProperty(sizes, async ({ batch, channels, levels, seed, offset }) => {
      const random = Random.of(seed);
      const count = levels.reduce((sum, { height, width }) => sum + batch * channels * height * width, 0);
      const draw = (scale: number, about: number) =>
        Float32Array.from({ length: count }, () => about + scale * random.normal());
      const [own, other, incoming] = [draw(2, offset), draw(0.5, -3), draw(1, 0)];
      const student = new Variable(pyramidOf(batch, channels, levels, own), true);
      const aligned = alignChannels(student, pyramidOf(batch, channels, levels, other));
      const values = await aligned.value.read();
      backward([{ variable: aligned, gradient: device.tensor(incoming) }]);
      const gradient = await student.gradient!.read();

      let start = 0;
      for (const { height, width } of levels) {
        const area = height * width;
        const end = start + batch * channels * area;
        const level = (all: ArrayLike<number>): LevelFeatures => {
          return { batch, channels, area, values: Array.from(all).slice(start, end) };
        };
        const right = alignedFeatures(level(own), level(other));
        // Of one value f32 has no deviation but rounding.
        if (batch * area > 1) {
          expectClose(values.slice(start, end), right, { relative: 1e-4, absolute: 1e-4 }, 'features');
          const slopes = centralDifferences((x) => {
            const moved = alignedFeatures({ ...level(own), values: x }, level(other));
            return moved.reduce((sum, value, i) => sum + value * incoming[start + i], 0);
          }, level(own).values);
          // Values that are far from 0 and near each other have few digits in f32: by 2⁻²³ of the value each is rounded. The sum
          // of gradient's three parts may cancel.
          const farthest = Math.max(...level(own).values.map(Math.abs));
          const steepest = Math.max(...level(incoming).values.map(Math.abs));
          for (const [i, slope] of slopes.entries()) {
            const channel = Math.floor(i / area) % channels;
            const deviation = momentsOf(level(own), channel).deviation + 1e-6;
            const scale = momentsOf(level(other), channel).deviation / deviation;
            const absolute = 4 * scale * steepest * (1e-6 + (2 ** -23 * farthest) / deviation) + 1e-6;
            expectClose([gradient[start + i]], [slope], { absolute, relative: 1e-4 }, 'gradient');
          }
        }
        start = end;
      }
    }),
    runs(9),
  ));

test('a channel of equal values, on either side, gives finite features and gradients', async () => {
  const levels = [{ height: 2, width: 2 }];
  const flat = new Float32Array(4).fill(3);
  const varied = Float32Array.of(1, 2, 3, 4);
  for (const [own, other, expected] of [
    [flat, varied, [2.5, 2.5, 2.5, 2.5]],
    [varied, flat, [3, 3, 3, 3]],
  ] as const) {
    const student = new Variable(pyramidOf(1, 1, levels, own), true);
    const aligned = alignChannels(student, pyramidOf(1, 1, levels, other));
    expectClose(await aligned.value.read(), expected, { absolute: 1e-5 }, 'features');
    backward([{ variable: aligned, gradient: device.tensor(varied) }]);
    expect((await student.gradient!.read()).every(Number.isFinite)).toBe(true);
  }
});

test('pyramids that differ', () => {
  const pyramid = (channels: number) => Pyramid.empty(device, 1, channels, [{ height: 2, width: 2 }]);
  expect(() => alignChannels(new Variable(pyramid(2)), pyramid(3))).toThrow(/^teacher: /);
});
