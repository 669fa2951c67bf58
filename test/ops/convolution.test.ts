import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { convolution, transposedConvolution } from '../../src/ops/convolution.js';
import { sharedDevice } from '../device.js';
import { mapped } from '../reference/arrays.js';
import {
  convolution as oracle,
  transposedConvolution as transposedOracle,
  type Windowed,
} from '../reference/convolution.js';
import { runs } from '../runs.js';
import { expectOperation } from './operation.js';

const device = await sharedDevice();

const small = (min: number, max: number) => fc.integer({ min, max });
const pair = (min: number, max: number) => fc.tuple(small(min, max), small(min, max));
const map = fc.record({ batch: small(1, 2), size: pair(5, 9), biased: fc.boolean(), seed: fc.nat() });

/** Sums of hundreds of products of values below 1. */
const TOLERANCE = 5e-5;

async function check(input: number[], weight: number[], biased: boolean, options: Windowed, seed: number) {
  await expectOperation(device, {
    inputs: [input, weight, ...(biased ? [[weight[0]]] : [])],
    run: (x, w, ...b) => convolution(x, w, b[0] ?? null, options),
    oracle: (x, w, ...b) => oracle(x, w, b[0] ?? null, options),
    tolerance: TOLERANCE,
    seed,
    step: 0.5,
  });
}

describe('convolution', () => {
  it('agrees with the oracle for any window and group', async () => {
    const windows = fc.record({
      groups: small(1, 3),
      own: small(1, 3),
      each: small(1, 3),
      kernel: pair(1, 4),
      strides: pair(1, 3),
      pads: fc.tuple(small(0, 3), small(0, 3), small(0, 3), small(0, 3)),
      dilations: pair(1, 2),
    });
    await fc.assert(
      fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { own, each, kernel, ...options }) => {
        const { groups, pads, dilations } = options;
        // Where the window is larger than the map there is no output.
        fc.pre(size.every((extent, d) => extent + pads[d] + pads[d + 2] > dilations[d] * (kernel[d] - 1)));
        await check([batch, groups * own, ...size], [groups * each, own, ...kernel], biased, options, seed);
      }),
      runs(10),
    );
  });

  it('agrees where each channel is a group', async () => {
    const [one, two] = [
      [1, 1],
      [2, 2],
    ];
    const windows = fc.record({
      channels: small(2, 9),
      // The last two are for the kernel of any window.
      window: fc.constantFrom(
        { kernel: [3, 3], strides: one, dilations: one },
        { kernel: [3, 3], strides: two, dilations: one },
        { kernel: [5, 5], strides: one, dilations: one },
        { kernel: [5, 4], strides: two, dilations: one },
        { kernel: [2, 5], strides: [1, 2], dilations: one },
        { kernel: [1, 7], strides: one, dilations: one },
        { kernel: [3, 3], strides: two, dilations: [2, 1] },
      ),
      pads: fc.tuple(small(0, 4), small(0, 6), small(0, 4), small(0, 6)),
    });
    await fc.assert(
      fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { channels, window, pads }) => {
        const { kernel, strides, dilations } = window;
        fc.pre(size.every((extent, d) => extent + pads[d] + pads[d + 2] > dilations[d] * (kernel[d] - 1)));
        const options = { strides, pads, dilations, groups: channels };
        await check([batch, channels, ...size], [channels, 1, ...kernel], biased, options, seed);
      }),
      runs(10),
    );
  });

  // [kernel, stride, pads left and right]: rows begin at each pixel of a quad and at each phase, outputs are whole quads or not.
  it.each(
    (['quads', 'numbers'] as const).flatMap((reads) =>
      [
        [3, 1, 1, 1],
        [3, 1, 0, 2],
        [4, 1, 3, 0],
        [5, 1, 2, 2],
        [5, 1, 4, 1],
        [3, 2, 1, 1],
        [3, 2, 0, 1],
        [5, 2, 2, 1],
        [5, 2, 3, 0],
        [4, 2, 1, 1],
      ].map(([kernel, stride, left, right]) => ({ reads, kernel, stride, left, right })),
    ),
  )('agrees where each channel is a group and rows are whole quads: %j', async (one) => {
    const { reads, kernel, stride, left, right } = one;
    device.setChoices({ 'depthwise.reads': reads });
    try {
      const options = { strides: [stride, stride], pads: [1, left, 1, right], dilations: [1, 1], groups: 2 };
      await check([1, 2, 7, 16], [2, 1, kernel, kernel], true, options, kernel);
    } finally {
      device.setChoices({});
    }
  });

  it('agrees where the kernels of conv2d do it', async () => {
    const windows = fc.record({
      inputs: small(1, 9),
      outputs: small(1, 9),
      kernel: fc.constantFrom(1, 3),
      strides: fc.constantFrom([1, 1], [2, 2], [1, 2]),
    });
    await fc.assert(
      fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { inputs, outputs, kernel, strides }) => {
        const side = (kernel - 1) / 2;
        const options = { strides, pads: [side, side, side, side], dilations: [1, 1], groups: 1 };
        await check([batch, inputs, ...size], [outputs, inputs, kernel, kernel], biased, options, seed);
      }),
      runs(7),
    );
  });

  it('ends with an activation, by each of its kernels', async () => {
    // Pointwise, 3×3, depthwise by columns, depthwise of any window, any window, and 3×3 by the kernels for GPUs.
    const kinds: { groups: number; kernel: number[]; choice?: 'tiles-64' | 'winograd' }[] = [
      { groups: 1, kernel: [1, 1] },
      { groups: 1, kernel: [3, 3] },
      { groups: 4, kernel: [3, 3] },
      { groups: 4, kernel: [1, 7] },
      { groups: 2, kernel: [3, 3] },
      { groups: 1, kernel: [3, 3], choice: 'tiles-64' },
      { groups: 1, kernel: [3, 3], choice: 'winograd' },
    ];
    const { choices } = device;
    const activations = [{ slope: 0 }, { slope: 0.1 }, { slope: 0, limit: 0.7 }];
    for (const [seed, { groups, kernel, choice }] of kinds.entries()) {
      device.setChoices(choice ? { 'convolution.kernel': choice } : {});
      const pads = [0, 1, 0, 1].map((axis) => (kernel[axis] - 1) / 2);
      const options = { strides: [1, 1], pads, dilations: [1, 1], groups };
      const activation = activations[seed % activations.length];
      const { slope, limit = Number.POSITIVE_INFINITY } = activation;
      await expectOperation(device, {
        inputs: [[2, 4, 5, 6], [4, 4 / groups, ...kernel], [4]],
        run: (x, w, b) => convolution(x, w, b, { ...options, activation }),
        oracle: (x, w, b) => mapped(oracle(x, w, b, options), (sum) => Math.min(sum > 0 ? sum : slope * sum, limit)),
        tolerance: TOLERANCE,
        seed,
        // Small, so that few sums cross a bend.
        step: 1e-7,
      });
      device.setChoices(choices);
    }
  });

  it('names what does not fit', () => {
    const of = (shape: number[]) => new Variable(device.zeros(shape));
    const options = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
    const input = of([1, 4, 5, 5]);
    const weight = of([2, 4, 3, 3]);
    expect(() => convolution(input, weight, null, { ...options, activation: { slope: -1 } })).toThrow(
      /activation\.slope: -1/,
    );
    expect(() => convolution(of([4, 5, 5]), weight, null, options)).toThrow(/input: shape \[4,5,5\]; expected \[batch/);
    expect(() => convolution(input, of([2, 3, 3, 3]), null, options)).toThrow(
      /weight: shape \[2,3,3,3\]; expected \[outputs, 4 \/ 1/,
    );
    expect(() => convolution(input, of([3, 2, 3, 3]), null, { ...options, groups: 2 })).toThrow(/a multiple of 2/);
    expect(() => convolution(input, weight, of([3]), options)).toThrow(/bias: 3 elements; the weight has 2 outputs/);
    expect(() => convolution(input, weight, null, { ...options, strides: [0, 1] })).toThrow(/strides: \[0,1\]/);
    expect(() => convolution(input, weight, null, { ...options, pads: [0, 0] })).toThrow(/pads: \[0,0\]; expected 4/);
    expect(() => convolution(input, weight, null, { ...options, dilations: [3, 1] })).toThrow(
      /maps of 5×5, .* smaller/,
    );
  });
});

describe('transposedConvolution', () => {
  it('agrees with the oracle', async () => {
    const windows = fc.record({
      groups: small(1, 3),
      own: small(1, 3),
      each: small(1, 3),
      kernel: pair(1, 4),
      strides: pair(1, 3),
      pads: fc.tuple(small(0, 2), small(0, 2), small(0, 2), small(0, 2)),
      dilations: pair(1, 2),
      added: pair(0, 2),
    });
    await fc.assert(
      fc.asyncProperty(map, windows, async ({ batch, size, biased, seed }, { own, each, kernel, added, ...rest }) => {
        const outputPadding = added.map((rows, d) => Math.min(rows, rest.strides[d] - 1));
        const options = { ...rest, outputPadding };
        const shapes = [
          [batch, rest.groups * own, ...size],
          [rest.groups * own, each, ...kernel],
        ];
        await expectOperation(device, {
          inputs: [...shapes, ...(biased ? [[rest.groups * each]] : [])],
          run: (x, w, ...b) => transposedConvolution(x, w, b[0] ?? null, options),
          oracle: (x, w, ...b) => transposedOracle(x, w, b[0] ?? null, options),
          tolerance: TOLERANCE,
          seed,
          step: 0.5,
        });
      }),
      runs(9),
    );
  });

  it('names what does not fit', () => {
    const of = (shape: number[]) => new Variable(device.zeros(shape));
    const options = { strides: [2, 2], pads: [0, 0, 0, 0], dilations: [1, 1], groups: 1 };
    const input = of([1, 4, 5, 5]);
    const weight = of([4, 2, 3, 3]);
    expect(() => transposedConvolution(of([4]), weight, null, options)).toThrow(/input: shape \[4\]/);
    expect(() => transposedConvolution(input, of([2, 4, 3, 3]), null, options)).toThrow(
      /weight: .* expected \[4, outputs/,
    );
    expect(() => transposedConvolution(input, weight, of([4]), options)).toThrow(/bias: 4 elements/);
    expect(() => transposedConvolution(input, weight, null, { ...options, outputPadding: [2, 0] })).toThrow(
      /outputPadding: \[2,0\]; expected two integers below the strides/,
    );
  });
});
