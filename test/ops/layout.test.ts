import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { replaced } from '../../src/ops/dimensions.js';
import { channelShuffle, split } from '../../src/ops/distribute.js';
import { concat, pad, reshape, slice, transpose } from '../../src/ops/layout.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { count } from '../reference/arrays.js';
import * as oracle from '../reference/layout.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();
const zeros = (shape: number[]) => new Variable(device.zeros(shape));

/** Shapes of up to six dimensions, not all of which can be joined. */
const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 });
/** Copies are exact; the central differences are not. */
const exact = { tolerance: 1e-6, step: 0.5 };

describe('layout', () => {
  it('reshape', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, async (seed, shape) => {
        const other = [1, ...shape].reverse();
        await expectOperation(device, {
          inputs: [shape],
          run: (x) => reshape(x, other),
          oracle: (x) => ({ shape: other, values: x.values }),
          seed,
          ...exact,
        });
      }),
      runs(4),
    );
  });

  it('transpose', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, async (seed, shape) => {
        const perm = Random.of(seed).shuffle(shape.map((_, axis) => axis));
        await expectOperation(device, {
          inputs: [shape],
          run: (x) => transpose(x, perm),
          oracle: (x) => oracle.transpose(x, perm),
          seed,
          ...exact,
        });
      }),
      runs(14),
    );
  });

  it('concat', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, fc.integer({ min: 1, max: 4 }), async (seed, shape, parts) => {
        const random = Random.of(seed);
        const axis = random.integer(shape.length);
        await expectOperation(device, {
          inputs: Array.from({ length: parts }, () => replaced(shape, axis, 1 + random.integer(5))),
          run: (...xs) => concat(xs, axis - (seed % 2) * shape.length),
          oracle: (...xs) => oracle.concat(xs, axis),
          seed,
          ...exact,
        });
      }),
      runs(10),
    );
  });

  it('slice, backwards too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, async (seed, shape) => {
        const random = Random.of(seed);
        const steps = shape.map(() => [1, 2, -1, -2][random.integer(4)]);
        const sizes = shape.map((extent, d) => 1 + random.integer(Math.ceil(extent / Math.abs(steps[d]))));
        const starts = shape.map((extent, d) => {
          const reach = (sizes[d] - 1) * Math.abs(steps[d]);
          const low = random.integer(extent - reach);
          return steps[d] > 0 ? low : low + reach;
        });
        await expectOperation(device, {
          inputs: [shape],
          run: (x) => slice(x, starts, sizes, steps),
          oracle: (x) => oracle.slice(x, starts, sizes, steps),
          seed,
          ...exact,
        });
      }),
      runs(14),
    );
  });

  it('pad', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        async (seed, shape) => {
          const random = Random.of(seed);
          const [before, after] = [shape.map(() => random.integer(3)), shape.map(() => random.integer(3))];
          const value = random.integer(2) === 0 ? 0 : random.uniform(-2, 2);
          await expectOperation(device, {
            inputs: [shape],
            run: (x) => pad(x, before, after, value),
            oracle: (x) => oracle.pad(x, before, after, value),
            seed,
            ...exact,
          });
        },
      ),
      runs(10),
    );
  });

  it('split, whose parts need not all have gradients', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, fc.integer({ min: 1, max: 4 }), async (seed, shape, parts) => {
        const random = Random.of(seed);
        const axis = random.integer(shape.length);
        const sizes = Array.from({ length: parts }, () => 1 + random.integer(5));
        const total = sizes.reduce((sum, size) => sum + size, 0);
        // In another order, and without the first where there are several.
        const taken = [...sizes.keys()].slice(parts > 1 ? 1 : 0).reverse();
        const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
        await expectOperation(device, {
          inputs: [replaced(shape, axis, total)],
          run: (x) => {
            const cut = split(x, sizes, axis - (seed % 2) * shape.length);
            const left = cut.filter((_, i) => !taken.includes(i));
            const joined = concat(
              taken.map((i) => cut[i]),
              axis,
            );
            for (const { value } of x.requiresGradient ? left : cut) value.dispose();
            return joined;
          },
          oracle: (x) =>
            oracle.concat(
              taken.map((i) =>
                oracle.slice(
                  x,
                  replaced(
                    shape.map(() => 0),
                    axis,
                    starts[i],
                  ),
                  replaced(shape, axis, sizes[i]),
                  shape.map(() => 1),
                ),
              ),
              axis,
            ),
          seed,
          ...exact,
        });
      }),
      runs(10),
    );
  });

  it('channelShuffle', async () => {
    const maps = fc.record({
      batch: fc.integer({ min: 1, max: 2 }),
      each: fc.integer({ min: 1, max: 5 }),
      groups: fc.integer({ min: 1, max: 3 }),
      area: fc.constantFrom(1, 4, 6),
      part: fc.integer({ min: 0, max: 2 }),
      seed: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(maps, async ({ batch, each, groups, area, part, seed }) => {
        const channels = groups * each;
        const first = 1 + Random.of(seed).integer(channels);
        const sizes = first < channels ? [first, channels - first] : [channels];
        const chosen = Math.min(part, sizes.length - 1);
        await expectOperation(device, {
          inputs: Array.from({ length: groups }, () => [batch, each, 1, area]),
          run: (...xs) => {
            const cut = channelShuffle(xs, sizes);
            for (const [i, { value }] of cut.entries()) if (i !== chosen) value.dispose();
            return cut[chosen];
          },
          oracle: (...xs) => {
            const joined = oracle.concat(xs, 1);
            const open = { ...joined, shape: [batch, groups, each, area] };
            const mixed = { ...oracle.transpose(open, [0, 2, 1, 3]), shape: joined.shape };
            const whole = [batch, sizes[chosen], 1, area];
            return oracle.slice(mixed, [0, chosen * first, 0, 0], whole, [1, 1, 1, 1]);
          },
          seed,
          ...exact,
        });
      }),
      runs(14),
    );
  });

  it('takes more dimensions where they can be joined', async () => {
    const shape = [2, 1, 2, 1, 2, 2, 1, 2, 2];
    expect(count(shape)).toBe(64);
    await expectOperation(device, {
      inputs: [shape],
      run: (x) =>
        slice(
          x,
          shape.map(() => 0),
          replaced(shape, 2, 1),
        ),
      oracle: (x) =>
        oracle.slice(
          x,
          shape.map(() => 0),
          replaced(shape, 2, 1),
          shape.map(() => 1),
        ),
      seed: 1,
      ...exact,
    });
  });

  it('names what does not fit', () => {
    const x = zeros([2, 3]);
    expect(() => reshape(x, [4])).toThrow(/shape: \[4\] has 4 elements; x of shape \[2,3\]/);
    expect(() => transpose(x, [0, 0])).toThrow(/perm: \[0,0\] does not name each axis/);
    expect(() => concat([], 0)).toThrow(/xs: none/);
    expect(() => concat([x, zeros([2])], 0)).toThrow(/xs\[1\]: shape \[2\] differs from \[2,3\]/);
    expect(() => concat([x], 2)).toThrow(/axis: 2; expected an axis of 2 dimensions/);
    expect(() => slice(x, [0], [1, 1])).toThrow(/starts: \[0\]; expected an integer for each axis/);
    expect(() => slice(x, [0, 2], [1, 2])).toThrow(/slice: 2 entries from 2 by 1 along axis 1, which has 3/);
    expect(() => pad(x, [1], [1, 1])).toThrow(/before: \[1\]; expected a number for each axis/);
    expect(() => split(x, [1, 1], 1)).toThrow(/sizes: \[1,1\]; expected whole numbers of at least 1 whose sum is 3/);
    expect(() => channelShuffle([x, zeros([2, 2])], [6])).toThrow(/xs\[1\]: shape \[2,2\]/);
    const seven = zeros([2, 2, 2, 2, 2, 2, 2]);
    expect(() => transpose(seven, [6, 5, 4, 3, 2, 1, 0])).toThrow(/transpose: 7 dimensions that cannot be joined/);
  });
});
