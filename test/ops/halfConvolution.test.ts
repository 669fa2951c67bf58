/** Convolutions of maps that are stored in f16 and computed in f32. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import type { Activation } from '../../src/ops/activated.js';
import { convolution, transposedConvolution } from '../../src/ops/convolution.js';
import { replaced } from '../../src/ops/dimensions.js';
import { storedAs } from '../../src/ops/storedAs.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { count, mapped, type NdArray } from '../reference/arrays.js';
import { expectClose } from '../reference/closeTo.js';
import {
  convolution as oracle,
  transposedConvolution as transposedOracle,
  type Windowed,
} from '../reference/convolution.js';
import { runs } from '../runs.js';
import { flow, steps, stored } from './halves.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');

const small = (min: number, max: number) => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(small(min, max), small(min, max));
const four = (min: number, max: number) => fc.tuple(small(min, max), small(min, max), small(min, max), small(min, max));
const map = fc.record({ batch: small(1, 2), size: pair(5, 9), biased: fc.boolean(), seed: fc.nat() });

/** Elements of each input whose gradient is compared. */
const SAMPLES = 24;

interface Compared {
  /** Shapes of the input, which is stored in f16, of the weight and, where there is one, of the bias. */
  shapes: readonly (readonly number[])[];
  run: (...inputs: Variable[]) => Variable;
  /** Of the sums. */
  oracle: (...inputs: NdArray[]) => NdArray;
  activation?: Activation;
  seed: number;
}

async function expectHalf({ shapes, run, oracle, activation, seed }: Compared): Promise<void> {
  const random = Random.of(seed);
  const arrays = shapes.map((shape): NdArray => ({ shape, values: steps(random, count(shape)) }));
  const leaves = arrays.map(({ shape, values }) => new Variable(device.tensor(values, shape), true));
  const [input, ...parameters] = leaves;
  const output = run(storedAs(input, 'f16'), ...parameters);

  const sums = oracle(...arrays);
  const { slope, limit = Number.POSITIVE_INFINITY } = activation ?? { slope: 1 };
  const { shape, values: made } = mapped(sums, (sum) => Math.min(sum > 0 ? sum : slope * sum, limit));
  expect(output.value.shape).toEqual(shape);
  // What is stored tells on which side of a bend its sum was, but for sums as near to it as a step of f16.
  const isAtBend = (i: number) => [0, limit].some((bend) => Math.abs(sums.values[i] - bend) < 1e-3);
  const { values, incoming } = flow(output, random, (i) => activation !== undefined && isAtBend(i));

  // As in conv2d.test.ts: f32 rounds by the number of products. A map's element meets an element of the weight once at most.
  const rounding = (products: number) => 1e-6 * Math.sqrt(products + 1);
  const maps = stored(rounding(count(shapes[1])));
  expectClose(await values.read(), made, maps);
  const arrived = Float64Array.from(await incoming.read(), (g, i) => {
    if (sums.values[i] >= limit) return 0;
    return sums.values[i] > 0 ? g : slope * g;
  });
  const project = (which: number, element: number, by: number) => {
    const { shape, values } = arrays[which];
    const moved = Float64Array.from(values, (value, i) => (i === element ? value + by : value));
    const changed = oracle(...replaced(arrays, which, { shape, values: moved }));
    return arrived.reduce((sum, g, i) => sum + g * changed.values[i], 0);
  };
  // Of f16 maps, but sums of f32.
  const pixels = { absolute: rounding(count(shapes[0]) + count(shape)), relative: 1e-6 };
  for (const [which, leaf] of leaves.entries()) {
    const gradient = await leaf.gradient!.read();
    const elements = random.shuffle(Array.from(gradient, (_, i) => i)).slice(0, SAMPLES);
    expectClose(
      elements.map((element) => gradient[element]),
      // The sums are linear in each input.
      elements.map((element) => project(which, element, 0.5) - project(which, element, -0.5)),
      which === 0 ? maps : pixels,
      `gradient of input ${which}`,
    );
  }
}

async function check(input: number[], weight: number[], biased: boolean, options: Windowed, seed: number) {
  await expectHalf({
    shapes: [input, weight, ...(biased ? [[weight[0]]] : [])],
    run: (x, w, ...b) => convolution(x, w, b[0] ?? null, options),
    oracle: (x, w, ...b) => oracle(x, w, b[0] ?? null, options),
    seed,
  });
}

const isLargeEnough = (size: number[], kernel: number[], { pads, dilations }: Pick<Windowed, 'pads' | 'dilations'>) =>
  size.every((extent, d) => extent + pads[d] + pads[d + 2] > dilations[d] * (kernel[d] - 1));

describe.skipIf(!hasHalf)('in f16', () => {
  it('a convolution of any window and group agrees with the oracle', async () => {
    const windows = fc.record({
      groups: small(1, 3),
      own: small(1, 3),
      each: small(2, 3),
      kernel: pair(1, 4),
      strides: pair(1, 3),
      pads: four(0, 3),
      dilations: pair(1, 2),
    });
    await fc.assert(
      fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { own, each, kernel, ...options }) => {
        const { groups } = options;
        fc.pre(isLargeEnough(size, kernel, options));
        // A slice's business.
        await check([batch, groups * own, ...size], [groups * each, own, ...kernel], biased, options, seed);
      }),
      runs(4),
    );
  });

  // By columns, with rows of whole quads or not on either side; the last two by the kernel of any window.
  it.each([
    { kernel: [3, 3], stride: 1, dilation: 1, width: 16, left: 1, right: 1 },
    { kernel: [3, 3], stride: 1, dilation: 1, width: 16, left: 0, right: 1 },
    { kernel: [5, 5], stride: 1, dilation: 1, width: 15, left: 2, right: 3 },
    { kernel: [5, 5], stride: 2, dilation: 1, width: 16, left: 2, right: 1 },
    { kernel: [3, 4], stride: 2, dilation: 1, width: 13, left: 3, right: 2 },
    { kernel: [1, 7], stride: 1, dilation: 1, width: 8, left: 3, right: 3 },
    { kernel: [3, 3], stride: 2, dilation: 2, width: 9, left: 0, right: 2 },
  ])('each channel by itself agrees with the oracle: %j', async (window) => {
    const { kernel, stride, dilation, width, left, right } = window;
    const maps = fc.record({
      batch: small(1, 2),
      channels: small(2, 5),
      height: small(5, 9),
      above: small(0, 2),
      reads: fc.constantFrom<('quads' | 'numbers')[]>('quads', 'numbers'),
      biased: fc.boolean(),
      seed: fc.nat(),
    });
    await fc
      .assert(
        fc.asyncProperty(maps, async ({ batch, channels, height, above, reads, biased, seed }) => {
          device.setChoices({ 'depthwise.reads': reads });
          const pads = [above, left, 1, right];
          const options = { strides: [stride, stride], pads, dilations: [dilation, dilation], groups: channels };
          await check([batch, channels, height, width], [channels, 1, ...kernel], biased, options, seed);
        }),
        runs(2),
      )
      .finally(() => device.setChoices({}));
  });

  it('agrees with the oracle where the kernels of conv2d do it', async () => {
    const windows = fc.record({
      inputs: small(1, 9),
      outputs: small(1, 9),
      window: fc.constantFrom(
        { kernel: 1, stride: 1 },
        { kernel: 1, stride: 2 },
        { kernel: 3, stride: 1 },
        { kernel: 3, stride: 2 },
      ),
      form: fc.constantFrom('registers', 'tiles-64', 'winograd'),
    });
    await fc
      .assert(
        fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { inputs, outputs, window, form }) => {
          device.setChoices({ 'convolution.kernel': form });
          const { kernel, stride } = window;
          const side = (kernel - 1) / 2;
          const options = { strides: [stride, stride], pads: [side, side, side, side], dilations: [1, 1], groups: 1 };
          await check([batch, inputs, ...size], [outputs, inputs, kernel, kernel], biased, options, seed);
        }),
        runs(4),
      )
      .finally(() => device.setChoices({}));
  });

  // Pointwise, 3×3, depthwise by columns, depthwise of any window, any window. The limits are stored exactly, or as less.
  it.each([
    { groups: 1, kernel: [1, 1], activation: { slope: 0 } },
    { groups: 1, kernel: [3, 3], activation: { slope: 0.25 } },
    { groups: 4, kernel: [3, 3], activation: { slope: 0, limit: 0.75 } },
    { groups: 4, kernel: [1, 7], activation: { slope: 0.25 } },
    { groups: 2, kernel: [3, 3], activation: { slope: 0, limit: 0.1 } },
  ])('ends with an activation: %j', async ({ groups, kernel, activation }) => {
    const pads = [0, 1, 0, 1].map((axis) => (kernel[axis] - 1) / 2);
    const options = { strides: [1, 1], pads, dilations: [1, 1], groups };
    await expectHalf({
      shapes: [[2, 4, 5, 6], [4, 4 / groups, ...kernel], [4]],
      run: (x, w, b) => convolution(x, w, b, { ...options, activation }),
      oracle: (x, w, b) => oracle(x, w, b, options),
      activation,
      seed: groups,
    });
  });

  it('a transposed convolution agrees with the oracle', async () => {
    const windows = fc.record({
      // Channel by channel, or in groups of several.
      groups: fc.constantFrom({ groups: 3, own: 1, each: 1 }, { groups: 2, own: 2, each: 3 }),
      kernel: pair(1, 4),
      strides: pair(1, 3),
      pads: four(0, 2),
      dilations: pair(1, 2),
      added: pair(0, 2),
    });
    await fc.assert(
      fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { groups: of, kernel, added, ...rest }) => {
        const { groups, own, each } = of;
        const options = { ...rest, groups, outputPadding: added.map((rows, d) => Math.min(rows, rest.strides[d] - 1)) };
        await expectHalf({
          shapes: [
            [batch, groups * own, ...size],
            [groups * own, each, ...kernel],
            ...(biased ? [[groups * each]] : []),
          ],
          run: (x, w, ...b) => transposedConvolution(x, w, b[0] ?? null, options),
          oracle: (x, w, ...b) => transposedOracle(x, w, b[0] ?? null, options),
          seed,
        });
      }),
      runs(4),
    );
  });
});
