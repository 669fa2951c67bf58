import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { checkGradients } from '../../src/autograd/checkGradients.js';
import { backward, Variable } from '../../src/autograd/variable.js';
import { groupNorm } from '../../src/ops/groupNorm.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { groupNormGradients, groupNorm as oracle, relu as reluOracle, reluSlope } from '../reference/ops.js';
import { runs } from '../runs.js';
import { joined, levelSizes, levelsOf, noise, randomPyramid, summed } from './maps.js';

const device = await sharedDevice();
afterEach(() => device.setChoices({}));

/** Of a map several pieces, where they are of eight invocations. */
const LARGE = [
  { height: 16, width: 20 },
  { height: 19, width: 17 },
];

describe('groupNorm', () => {
  const shapes = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 4 }),
    members: fc.integer({ min: 1, max: 5 }),
    sizes: fc.oneof(levelSizes, fc.constant(LARGE)),
    by: fc.constantFrom('group' as const, 'pieces' as const),
    lanes: fc.constantFrom(8 as const, 64 as const),
    relu: fc.boolean(),
    seed: fc.nat(),
  });

  it('agrees with the oracle, forward and backward', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ batch, groups, members, sizes, by, lanes, relu, seed }) => {
        device.setChoices({ 'norm.workgroups': by, 'reduction.workgroup': lanes });
        const random = Random.of(seed);
        const channels = groups * members;
        const maps = randomPyramid(device, random, batch, channels, sizes);
        const scales = noise(random, channels);
        const shifts = noise(random, channels);
        const input = new Variable(maps, true);
        const scale = new Variable(device.tensor(scales), true);
        const shift = new Variable(device.tensor(shifts), true);

        const output = groupNorm(input, scale, shift, { groups, relu });
        const levels = await levelsOf(maps);
        const normal = levels.map((level) => Float64Array.from(oracle(level, scales, shifts, groups).values));
        const expected = normal.map((values) => (relu ? values.map(reluOracle) : values));
        expectClose(await output.value.read(), joined(expected), { absolute: 1e-5, relative: 1e-5 });

        const incoming = device.tensor(noise(random, output.value.size));
        // Nothing comes into what is 0 up to rounding, on whose side of 0 kernel and oracle may disagree.
        const all = joined(normal);
        incoming.write(Float32Array.from(await incoming.read(), (value, i) => (Math.abs(all[i]) < 1e-5 ? 0 : value)));
        const incomingLevels = (await levelsOf(output.value, incoming)).map((level, l) => ({
          ...level,
          values: Float64Array.from(level.values, (value, i) => (relu ? value * reluSlope(normal[l][i]) : value)),
        }));
        backward({ variable: output, gradient: incoming });
        const gradients = levels.map((level, i) => groupNormGradients(level, scales, incomingLevels[i], groups));
        // A group of few elements can have a variance far below 1: its gradients are large and cancel.
        const size = Math.min(...levels.map(({ height, width }) => members * height * width));
        const slack = size < 8 ? 30 : 1;
        expectClose(await input.gradient!.read(), joined(gradients.map((g) => g.input)), {
          absolute: 2e-5 * slack,
          relative: 2e-5 * slack,
        });
        const tolerance = { absolute: 2e-6 * Math.sqrt(batch * output.value.locations) + 1e-5, relative: 1e-5 };
        expectClose(await scale.gradient!.read(), summed(gradients.map((g) => g.scale)), tolerance);
        expectClose(await shift.gradient!.read(), summed(gradients.map((g) => g.shift)), tolerance);
      }),
      runs(21),
    );
  });

  it.each(['group', 'pieces'] as const)(
    'keeps its precision where the mean is a thousand times the deviation: %s',
    async (by) => {
      device.setChoices({ 'norm.workgroups': by, 'reduction.workgroup': 8 });
      const random = Random.of(11);
      const values = noise(random, 2 * 4 * 16 * 20).map((value) => 1000 + value);
      const maps = Pyramid.of(device.tensor(values), 2, 4, [{ height: 16, width: 20 }]);
      const one = new Variable(device.tensor([1, 1, 1, 1]));
      const zero = new Variable(device.tensor([0, 0, 0, 0]));
      const [level] = await levelsOf(maps);
      const output = groupNorm(new Variable(maps), one, zero, { groups: 2 });
      // An f32 of about 1000 has steps of 6e-5, a ten-thousandth of the deviation; the mean is known to that.
      expectClose(await output.value.read(), oracle(level, [1, 1, 1, 1], [0, 0, 0, 0], 2).values, { absolute: 2e-4 });
    },
  );

  it('has the gradients of its central differences', async () => {
    const random = Random.of(5);
    const maps = randomPyramid(device, random, 2, 6, [
      { height: 5, width: 4 },
      { height: 3, width: 3 },
    ]);
    const check = await checkGradients(
      (input, scale, shift) => groupNorm(input as Variable<Pyramid>, scale, shift, { groups: 3 }),
      [maps, device.tensor(noise(random, 6)), device.tensor(noise(random, 6))],
    );
    expect(check.relative).toBeLessThan(2e-3);
  });

  it('with ReLU has the gradients of its central differences', async () => {
    const random = Random.of(6);
    const maps = randomPyramid(device, random, 2, 6, [
      { height: 5, width: 4 },
      { height: 3, width: 3 },
    ]);
    // Far from the kink: normalised values of so small groups are below 3, so that channels are all passed or all cut off.
    const shifts = device.tensor([4, -4, 4, 4, -4, 4]);
    const check = await checkGradients(
      (input, scale, shift) => groupNorm(input as Variable<Pyramid>, scale, shift, { groups: 3, relu: true }),
      [maps, device.tensor(noise(random, 6)), shifts],
    );
    expect(check.relative).toBeLessThan(2e-3);
  });

  it('names what does not fit', () => {
    const maps = new Variable(Pyramid.empty(device, 1, 6, [{ height: 2, width: 2 }]));
    const six = new Variable(device.zeros([6]));
    const four = new Variable(device.zeros([4]));
    expect(() => groupNorm(maps, six, six, { groups: 4 })).toThrow(/groups: 4 do not divide the input's 6 channels/);
    expect(() => groupNorm(maps, six, four, { groups: 3 })).toThrow(/shift: 4 elements; the input has 6 channels/);
  });
});
