import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { imitationLoss } from '../../src/losses/imitation.js';
import type { Device } from '../../src/tensor/device.js';
import { type LevelSize, Pyramid } from '../../src/tensor/pyramid.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as reference from '../reference/imitation.js';
import { normals, RUNS, uniforms } from './rowCases.js';

const device = await sharedDevice();

function pyramid(values: Float32Array, batch: number, channels: number, sizes: LevelSize[]): Pyramid {
  return Pyramid.of(device.tensor(values), batch, channels, sizes);
}

const problem = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  channels: fc.integer({ min: 1, max: 20 }),
  sizes: fc.array(fc.record({ height: fc.integer({ min: 1, max: 12 }), width: fc.integer({ min: 1, max: 12 }) }), {
    minLength: 1,
    maxLength: 5,
  }),
  seed: fc.nat(),
  /** Share of the selected locations. */
  share: fc.constantFrom(0, 0.05, 0.5, 1),
  gated: fc.boolean(),
});

test('equals the oracle level by level; a level without a selected location or with gate 0 gives 0', () =>
  fc.assert(
    fc.asyncProperty(problem, async ({ batch, channels, sizes, seed, share, gated }) => {
      const locations = batch * sizes.reduce((sum, { height, width }) => sum + height * width, 0);
      const own = normals(seed, locations * channels, 1);
      const others = normals(seed + 1, locations * channels, 1);
      const mask = uniforms(seed + 2, locations, 0, 1).map((u) => Number(u < share));
      const gates = sizes.map((_, level) => (gated ? level % 2 : 1));
      let expected = 0;
      const gradient = new Float64Array(own.length);
      let start = 0;
      sizes.forEach(({ height, width }, level) => {
        const end = start + batch * height * width;
        const slice = (values: Float32Array) => values.subarray(start * channels, end * channels);
        const one = reference.imitationLoss(slice(own), slice(others), mask.subarray(start, end), batch);
        expected += 2 * gates[level] * one.loss;
        gradient.set(
          one.gradient.map((g) => 3 * gates[level] * g),
          start * channels,
        );
        start = end;
      });

      const leaf = new Variable(pyramid(own, batch, channels, sizes), true);
      const loss = imitationLoss(leaf, pyramid(others, batch, channels, sizes), device.tensor(mask), {
        lossWeight: 2,
        ...(gated && { gates: device.tensor(gates) }),
      });
      expectClose(await loss.value.read(), [expected], { absolute: 1e-6, relative: 1e-5 });
      backward({ variable: loss, gradient: device.tensor([1.5], []) });
      expectClose(await leaf.gradient!.read(), gradient, { absolute: 1e-6, relative: 1e-5 });
    }),
    RUNS,
  ));

test('the gradient is the central difference', async () => {
  const sizes = [
    { height: 2, width: 3 },
    { height: 1, width: 2 },
  ];
  const teacher = pyramid(normals(1, 32, 1), 1, 4, sizes);
  const mask = device.tensor([1, 0, 1, 1, 0, 0, 0, 1]);
  const check = await checkGradients(
    (input) => viaPyramid(input, sizes, teacher, mask),
    [device.tensor(normals(2, 32, 1))],
  );
  expect(check.relative).toBeLessThan(2e-3);
});

/** `checkGradients` makes plain leaves; this sees one as a pyramid. */
function viaPyramid(input: Variable, sizes: LevelSize[], teacher: Pyramid, mask: ReturnType<Device['tensor']>) {
  const view = Variable.from(Pyramid.of(input.value, 1, 4, sizes), [input], (gradient) => [gradient]);
  return imitationLoss(view, teacher, mask);
}

test('other channels, levels or masks are refused', () => {
  const sizes = [{ height: 2, width: 2 }];
  const student = new Variable(Pyramid.empty(device, 1, 8, sizes));
  expect(() => imitationLoss(student, Pyramid.empty(device, 1, 16, sizes), device.zeros([4]))).toThrow(
    "teacher: features of 1 images × 16 channels over levels 2×2; the student's are of 1 images × 8 channels",
  );
  const teacher = Pyramid.empty(device, 1, 8, sizes);
  expect(() => imitationLoss(student, teacher, device.zeros([5]))).toThrow('mask: a f32 tensor of 5 elements');
  expect(() => imitationLoss(student, teacher, device.zeros([4]), { gates: device.zeros([2]) })).toThrow('gates: ');
});
