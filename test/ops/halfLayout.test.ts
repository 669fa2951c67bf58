/** Operations of ONNX students on maps that are stored in f16: pools, resizes, layouts, and those that compute on widened copies. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { replaced } from '../../src/ops/dimensions.js';
import { channelShuffle, split } from '../../src/ops/distribute.js';
import { groupNormMaps } from '../../src/ops/groupNorm.js';
import { layerNorm } from '../../src/ops/layerNorm.js';
import { concat, pad, reshape, slice, transpose } from '../../src/ops/layout.js';
import { matMul, softmaxAxis } from '../../src/ops/matmul.js';
import { averagePool2d, maxPool2d, reduceMean } from '../../src/ops/pooling.js';
import { type ResizeOptions, resize2d } from '../../src/ops/resize.js';
import { storedAs } from '../../src/ops/storedAs.js';
import { stridedCopy } from '../../src/ops/stridedCopy.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { count } from '../reference/arrays.js';
import * as layout from '../reference/layout.js';
import * as products from '../reference/matmul.js';
import * as norms from '../reference/norms.js';
import * as pooling from '../reference/pooling.js';
import { resize } from '../reference/resize.js';
import { runs } from '../runs.js';
import { HALF, steps } from './halves.js';
import { type Compared, expectOperation } from './operation.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');

/** Of copies: what central differences round. */
const EXACT = { absolute: 1e-6, relative: 1e-6 };

interface HalfCompared extends Omit<Compared, 'tolerance' | 'types' | 'draw'> {
  /** What f32 computes the values and gradients to; 0 where they are copied. */
  rounding: number;
  /** Inputs from here on stay f32: parameters. */
  firstSingle?: number;
}

/** `expectOperation` on inputs that are stored in f16. */
async function expectHalf({ rounding, firstSingle = Number.POSITIVE_INFINITY, ...rest }: HalfCompared) {
  const types = rest.inputs.map((_, i) => (i < firstSingle ? ('f16' as const) : ('f32' as const)));
  await expectOperation(device, { ...rest, types, tolerance: rounding === 0 ? EXACT : rounding });
}

const small = (min: number, max: number) => fc.integer({ min, max });
/** Of up to six dimensions, many with an odd number of elements. */
const shapes = fc.array(fc.constantFrom(1, 2, 3, 4, 5), { minLength: 1, maxLength: 5 });
/** Copies are exact, and linear. */
const exact = { rounding: 0, step: 0.5 };

const windows = fc
  .record({
    kernel: fc.tuple(small(1, 5), small(1, 5)),
    strides: fc.tuple(small(1, 3), small(1, 3)),
    pads: fc.tuple(small(0, 4), small(0, 4), small(0, 4), small(0, 4)),
  })
  .map(({ kernel, strides, pads }) => ({
    kernel,
    strides,
    pads: pads.map((cells, i) => Math.min(cells, kernel[i % 2] - 1)),
  }));

describe.skipIf(!hasHalf)('in f16', () => {
  it('maximum pooling agrees with the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), small(5, 9), small(5, 9), windows, async (seed, height, width, options) => {
        const shape = [2, 1, height, width];
        // No two are equal, so that the oracle has a derivative.
        const values = Random.of(seed).shuffle(Array.from({ length: count(shape) }, (_, i) => (i - 80) / 1024));
        await expectHalf({
          inputs: [{ shape, values }],
          run: (x) => maxPool2d(x, options),
          oracle: (x) => pooling.maxPool(x, options),
          // A gradient is a sum of up to 25.
          rounding: 1e-5,
          seed,
          step: 1e-7,
        });
      }),
      runs(4),
    );
  });

  it('average pooling agrees with the oracle', async () => {
    const maps = fc.record({ height: small(5, 9), width: small(5, 9), countIncludePad: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.nat(), maps, windows, async (seed, { height, width, countIncludePad }, rest) => {
        const options = { ...rest, countIncludePad };
        await expectHalf({
          inputs: [[1, 3, height, width]],
          run: (x) => averagePool2d(x, options),
          oracle: (x) => pooling.averagePool(x, options),
          rounding: 1e-5,
          seed,
          step: 0.5,
        });
      }),
      runs(4),
    );
  });

  it.each(['nearest', 'linear'] as const)('a resize agrees with the oracle, %s', async (mode) => {
    const drawn = fc.record({
      height: small(1, 9),
      width: small(1, 9),
      coordinates: fc.constantFrom<ResizeOptions['coordinates'][]>('half_pixel', 'align_corners', 'asymmetric'),
      nearest: fc.constantFrom<ResizeOptions['nearest'][]>('floor', 'round_prefer_ceil'),
    });
    await fc.assert(
      fc.asyncProperty(fc.nat(), small(1, 9), small(1, 9), drawn, async (seed, height, width, rest) => {
        const options = { mode, ...rest };
        await expectHalf({
          inputs: [[1, 3, height, width]],
          run: (x) => resize2d(x, options),
          oracle: (x) => resize(x, options),
          // Sums of up to 81 values.
          rounding: 1e-5,
          seed,
          step: 0.5,
        });
      }),
      runs(4),
    );
  });

  it('reshape and transpose copy what is stored', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, async (seed, shape) => {
        const perm = Random.of(seed).shuffle(shape.map((_, axis) => axis));
        await expectHalf({
          inputs: [shape],
          run: (x) => transpose(x, perm),
          oracle: (x) => layout.transpose(x, perm),
          seed,
          ...exact,
        });
        const other = [1, ...shape].reverse();
        await expectHalf({
          inputs: [shape],
          run: (x) => reshape(x, other),
          oracle: (x) => ({ shape: other, values: x.values }),
          seed,
          ...exact,
        });
      }),
      runs(5),
    );
  });

  it('concat copies what is stored, and narrows what is not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), shapes, small(1, 3), fc.boolean(), async (seed, shape, parts, mixed) => {
        const random = Random.of(seed);
        const axis = random.integer(shape.length);
        await expectHalf({
          inputs: Array.from({ length: parts }, () => replaced(shape, axis, 1 + random.integer(5))),
          ...(mixed && { firstSingle: 1 }),
          run: (...xs) => concat(xs, axis),
          oracle: (...xs) => layout.concat(xs, axis),
          seed,
          ...exact,
        });
      }),
      runs(5),
    );
  });

  it('concat gives back the copy of a constant', () => {
    const [x, constant] = [new Variable(device.zeros([3], 'f16'), true), new Variable(device.zeros([2]))];
    const before = device.pool.usedBytes;
    const { value } = concat([constant, x], 0);
    expect(value.type).toBe('f16');
    value.dispose();
    expect(device.pool.usedBytes).toBe(before);
  });

  it('slice and pad copy what is stored', async () => {
    const drawn = fc.array(small(1, 4), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.nat(), drawn, fc.boolean(), async (seed, shape, isZero) => {
        const random = Random.of(seed);
        const by = shape.map(() => [1, 2, -1][random.integer(3)]);
        const sizes = shape.map((extent, d) => 1 + random.integer(Math.ceil(extent / Math.abs(by[d]))));
        const starts = sizes.map((size, d) => (by[d] > 0 ? 0 : size - 1));
        await expectHalf({
          inputs: [shape],
          run: (x) => slice(x, starts, sizes, by),
          oracle: (x) => layout.slice(x, starts, sizes, by),
          seed,
          ...exact,
        });
        const [before, after] = [shape.map(() => random.integer(3)), shape.map(() => random.integer(3))];
        const [value] = isZero ? [0] : steps(random, 1);
        await expectHalf({
          inputs: [shape],
          run: (x) => pad(x, before, after, value),
          oracle: (x) => layout.pad(x, before, after, value),
          seed,
          ...exact,
        });
      }),
      runs(5),
    );
  });

  it('split copies what is stored; a part without a gradient gets zeros', async () => {
    const first = { starts: [0, 1, 0], sizes: [2, 2, 3], steps: [1, 1, 1] };
    await expectHalf({
      inputs: [[2, 7, 3]],
      run: (x) => {
        const [left, taken, right] = split(x, [1, 2, 4], 1);
        for (const { value } of [left, right]) value.dispose();
        return taken;
      },
      oracle: (x) => layout.slice(x, first.starts, first.sizes, first.steps),
      seed: 6,
      ...exact,
    });
  });

  it('channelShuffle copies what is stored, and narrows what is not', async () => {
    for (const firstSingle of [2, 1]) {
      await expectHalf({
        inputs: [
          [1, 3, 1, 5],
          [1, 3, 1, 5],
        ],
        firstSingle,
        run: (...xs) => {
          const [taken, left] = channelShuffle(xs, [4, 2]);
          left.value.dispose();
          return taken;
        },
        oracle: (...xs) => {
          const joined = layout.concat(xs, 1);
          const mixed = layout.transpose({ ...joined, shape: [1, 2, 3, 5] }, [0, 2, 1, 3]);
          return layout.slice({ ...mixed, shape: joined.shape }, [0, 0, 0, 0], [1, 4, 1, 5], [1, 1, 1, 1]);
        },
        seed: 7,
        ...exact,
      });
    }
  });

  it('products of matrices, with maps or parameters, agree with the oracle', async () => {
    const drawn = fc.record({ rows: small(1, 9), inner: small(1, 9), columns: small(1, 9), seed: fc.nat() });
    await fc.assert(
      fc.asyncProperty(drawn, fc.boolean(), async ({ rows, inner, columns, seed }, isParameter) => {
        await expectHalf({
          inputs: [
            [2, rows, inner],
            [1, inner, columns],
          ],
          ...(isParameter && { firstSingle: 1 }),
          run: matMul,
          oracle: products.matMul,
          rounding: 1e-5,
          seed,
          step: 0.5,
        });
      }),
      runs(4),
    );
  });

  it('softmax along an axis and means agree with the oracle', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(small(1, 6), { minLength: 1, maxLength: 4 }), async (seed, shape) => {
        const axis = seed % shape.length;
        await expectHalf({
          inputs: [shape],
          run: (x) => softmaxAxis(x, axis),
          oracle: (x) => products.softmax(x, axis),
          rounding: 2e-6,
          seed,
        });
        await expectHalf({
          inputs: [shape],
          run: (x) => reduceMean(x, [axis], true),
          oracle: (x) => pooling.mean(x, [axis], true),
          rounding: 1e-5,
          seed,
          step: 0.5,
        });
      }),
      runs(3),
    );
  });

  it('layer norm and instance norm agree with the oracle', async () => {
    const drawn = fc.record({ rows: small(1, 9), length: small(3, 11), shifted: fc.boolean(), seed: fc.nat() });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ rows, length, shifted, seed }) => {
        await expectHalf({
          inputs: [[rows, length], [length], ...(shifted ? [[length]] : [])],
          firstSingle: 1,
          run: (x, scale, ...shift) => layerNorm(x, scale, shift[0] ?? null, 1e-2),
          oracle: (x, scale, ...shift) => norms.layerNorm(x, scale, shift[0] ?? null, 1e-2),
          rounding: 5e-5,
          seed,
        });
        await expectHalf({
          inputs: [[2, rows, length], [rows], [rows]],
          firstSingle: 1,
          run: (x, scale, shift) => groupNormMaps(x, scale, shift, { groups: rows, epsilon: 1e-2 }),
          oracle: (x, scale, shift) => norms.groupNorm(x, scale, shift, rows, 1e-2),
          rounding: 5e-5,
          seed,
        });
      }),
      runs(3),
    );
  });

  it('widened copies that no gradient goes through are given back, too', async () => {
    const scales = device.tensor(steps(Random.of(8), 5));
    const values = device.tensor(steps(Random.of(9), 15), [3, 5]);
    const { value: maps } = storedAs(new Variable(values), 'f16');
    await expectOperation(device, {
      inputs: [{ shape: [5], values: await scales.read() }],
      run: (scale) => {
        const output = layerNorm(new Variable(maps), scale, null, 1e-2);
        const wide = storedAs(output, 'f32');
        if (!wide.requiresGradient) output.value.dispose();
        return wide;
      },
      oracle: (scale) => norms.layerNorm({ shape: [3, 5], values: steps(Random.of(9), 15) }, scale, null, 1e-2),
      // The gradient of a scale sums f32.
      tolerance: HALF,
      draw: steps,
      seed: 8,
    });
  });

  it('refuses parameters of f16 and copies between types', () => {
    const half = new Variable(device.zeros([3], 'f16'));
    const maps = new Variable(device.zeros([1, 3, 4], 'f16'));
    expect(() => groupNormMaps(maps, half, half, { groups: 3 })).toThrow(/scale: elements of f16; expected f32/);
    const walks = [{ extent: 3, steps: [1, 1] }];
    expect(() => stridedCopy('copy', half.value, device.zeros([3]), { walks })).toThrow(
      /strided copy: tensors of f16 and f32; expected all of f32, or all of f16/,
    );
  });
});
