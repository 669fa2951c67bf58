/** Operations on maps that are stored in f16 and computed in f32. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { relu, silu } from '../../src/ops/activation.js';
import { add } from '../../src/ops/add.js';
import { groupNorm } from '../../src/ops/groupNorm.js';
import { stackLevels } from '../../src/ops/stackLevels.js';
import { storedAs } from '../../src/ops/storedAs.js';
import { upsampleNearest } from '../../src/ops/upsampleNearest.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import * as oracle from '../reference/ops.js';
import { runs } from '../runs.js';
import { expectHalfConvolution, flow, HALF, halves, steps, stored } from './halves.js';
import { joined, levelSizes, levelsOf, summed } from './maps.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');

const shapes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  inputs: fc.oneof(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 14, max: 37 })),
  outputs: fc.integer({ min: 1, max: 18 }),
  kernel: fc.constantFrom(1, 3),
  stride: fc.constantFrom<(1 | 2)[]>(1, 2),
  form: fc.constantFrom('registers', 'tiles-64', 'winograd'),
  direct: fc.boolean(),
  sizes: levelSizes,
  seed: fc.nat(),
});

describe.skipIf(!hasHalf)('in f16', () => {
  it('keeps what it can hold, rounds the rest, and has no bound in sight below 65504', async () => {
    const values = [0, 1, -1, 2 / 3, 1e-3, -3e-5, 65504, -60000, 1 / 3];
    const leaf = new Variable(Pyramid.of(device.tensor(values), 1, 1, [{ height: 3, width: 3 }]));
    const half = storedAs(leaf, 'f16');
    expect(half.value.bytes).toBe(20);
    expectClose(await storedAs(half, 'f32').value.read(), values, HALF);
    expect(storedAs(half, 'f16')).toBe(half);
  });

  it('a convolution agrees with the oracle, forward and backward', async () => {
    await fc
      .assert(
        fc.asyncProperty(shapes, async ({ batch, inputs, outputs, kernel, stride, form, direct, sizes, seed }) => {
          device.setChoices({
            'convolution.kernel': form,
            ...(form !== 'registers' && { 'weightGradient.kernel': 'tiles' }),
            ...(direct && { 'convolution.weights': 'direct', 'weightGradient.incoming': 'direct' }),
          });
          await expectHalfConvolution(device, { batch, inputs, outputs, kernel, stride, sizes, seed });
        }),
        runs(5),
      )
      .finally(() => device.setChoices({}));
  });

  it('group norm agrees with the oracle, forward and backward', async () => {
    const drawn = fc.record({ sizes: levelSizes, relu: fc.boolean(), seed: fc.nat() });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ sizes, relu, seed }) => {
        const random = Random.of(seed);
        const [groups, channels] = [2, 10];
        const { leaf, maps } = halves(device, random, 2, channels, sizes);
        const [scales, shifts] = [steps(random, channels), steps(random, channels)];
        const [scale, shift] = [scales, shifts].map((values) => new Variable(device.tensor(values), true));
        const levels = await levelsOf(leaf.value);
        const output = groupNorm(maps, scale, shift, { groups, relu });
        const { locations } = output.value;
        const normal = levels.map((level) => oracle.groupNorm(level, scales, shifts, groups).values);
        const all = joined(normal);
        // Of what is 0 up to rounding, kernel and oracle may disagree on which side it is.
        const { values, incoming } = flow(output, random, (i) => Math.abs(all[i]) < 1e-5);

        const made = joined(normal.map((level) => (relu ? level.map(oracle.relu) : level)));
        expectClose(await values.read(), made, stored(1e-5));
        const arrived = (await levelsOf(values, incoming)).map((level, l) => ({
          ...level,
          values: Float64Array.from(level.values, (g, i) => (relu ? g * oracle.reluSlope(normal[l][i]) : g)),
        }));
        const gradients = levels.map((level, i) => oracle.groupNormGradients(level, scales, arrived[i], groups));
        // As in groupNorm.test.ts.
        const slack = Math.min(...levels.map(({ height, width }) => 5 * height * width)) < 8 ? 30 : 1;
        const flowed = joined(gradients.map((g) => g.input));
        expectClose(await leaf.gradient!.read(), flowed, stored(2e-5 * slack));
        const sums = { absolute: 2e-6 * Math.sqrt(2 * locations) + 1e-5, relative: 1e-5 };
        expectClose(await scale.gradient!.read(), summed(gradients.map((g) => g.scale)), sums);
        expectClose(await shift.gradient!.read(), summed(gradients.map((g) => g.shift)), sums);
      }),
      runs(4),
    );
  });

  it.each([
    { activation: relu, value: oracle.relu, slope: oracle.reluSlope },
    { activation: silu, value: oracle.silu, slope: oracle.siluSlope },
  ])('$activation.name, a sum and a stack agree with the oracle', async ({ activation, value, slope }) => {
    const random = Random.of(3);
    const sizes = [
      { height: 5, width: 7 },
      { height: 3, width: 2 },
    ];
    const [left, right] = [0, 1].map(() => halves(device, random, 2, 8, sizes));
    const [xs, ys] = await Promise.all([left, right].map(({ leaf }) => leaf.value.read()));
    const output = stackLevels([activation(left.maps), add(left.maps, right.maps)]);
    const { values, incoming } = flow(output, random);
    const arrived = await incoming.read();
    const [first, second] = [arrived.subarray(0, xs.length), arrived.subarray(xs.length)];
    const sums = Array.from(xs, (x, i) => x + ys[i]);
    expectClose(await values.read(), joined([Array.from(xs, value), sums]), stored(2e-6));
    // The left one's gradient is a sum of two, the first of them stored.
    const both = { relative: 2 * HALF.relative, absolute: 2 * HALF.absolute + HALF.relative };
    expectClose(
      await left.leaf.gradient!.read(),
      Array.from(xs, (x, i) => first[i] * slope(x) + second[i]),
      both,
    );
    expect(await right.leaf.gradient!.read()).toEqual(second);
  });

  it('nearest upsampling agrees with the oracle', async () => {
    const random = Random.of(4);
    const { leaf, maps } = halves(device, random, 2, 3, [{ height: 5, width: 7 }]);
    const [level] = await levelsOf(leaf.value);
    const { values, incoming } = flow(upsampleNearest(maps, { height: 11, width: 13 }), random);
    expect(await values.read()).toEqual(Float32Array.from(oracle.upsampleNearest(level, 11, 13).values));
    const [arrived] = await levelsOf(values, incoming);
    expectClose(await leaf.gradient!.read(), oracle.upsampleNearestGradient(level, arrived), HALF);
  });

  it('refuses types that do not go together, kernels of f32 and the host', async () => {
    const { leaf, maps } = halves(device, Random.of(5), 1, 8, [{ height: 2, width: 2 }]);
    expect(() => add(leaf, maps)).toThrow(/add: tensors of f32 and f16; expected all of f32, or all of f16/);
    expect(() => stackLevels([leaf, maps])).toThrow(/maps of 32 elements of f32, 32 elements of f16; .* one type/);
    const kernel = { name: 'plain', source: [{ code: '', reads: { x: 0 }, workgroup: 1 }] };
    expect(() => device.run({ kernel, bindings: { x: maps.value.range }, invocations: 1 })).toThrow(
      /kernel plain: x holds f16; this kernel takes f32/,
    );
    await expect(maps.value.read()).rejects.toThrow(/f16 stay on the GPU/);
    expect(() => device.tensor([1], [1], 'f16')).toThrow(/f16 stay on the GPU/);
    expect(maps.value.view([8], 0)).toBeInstanceOf(Tensor);
  });
});
