import { describe, expect, test, vi } from 'vitest';
import { backward } from '../../src/autograd/variable.js';
import type { BoxLayer } from '../../src/losses/boxLayer.js';
import { type HeadLossResult, TERM_NAMES } from '../../src/losses/headLoss.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { bareDevice, sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import type { HeadSizes, ImageTruth } from '../reference/types.js';
import {
  makeHeadLoss,
  REFERENCE,
  randomOutputs,
  SIZES,
  TRUTHS,
  upload,
  uploadOutputs,
  uploadTruths,
} from './headCase.js';
import { denseLogits, type HostLayer, PARTS, randomLayer, uploadLayer } from './headCutCase.js';
import { restore, store } from './headLayouts.js';

const device = await sharedDevice();

const CHANNELS = { student: 12, teacher: 20 };

interface Choice {
  sizes?: HeadSizes;
  truth?: readonly ImageTruth[];
  recipe?: string | PartialRecipe;
  channels?: { student: number; teacher: number };
  /** Of the logits. */
  scale?: number;
}

const makeLoss = (sizes: HeadSizes, recipe: string | PartialRecipe) => makeHeadLoss(device, sizes, recipe);

function layersOf(sizes: HeadSizes, seed: number, scale: number, channels: { student: number; teacher: number }) {
  return {
    student: randomLayer(sizes, channels.student, seed + 2000, scale),
    teacher: randomLayer(sizes, channels.teacher, seed + 3000, scale),
  };
}

async function termsOf(result: Pick<HeadLossResult, 'read'>): Promise<Record<string, number[]>> {
  const { terms, total } = await result.read();
  return { ...terms, total: [total] };
}

/** Within 3e-5 of the largest of its kind: sums of up to thousands of f32 products in another order. */
function expectGradient(name: string, value: ArrayLike<number>, wanted: ArrayLike<number>): void {
  const largest = Array.from(wanted).reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  expectClose(value, wanted, { absolute: 3e-5 * largest }, `gradient of ${name}`);
}

/**
 * That Cut LD gives what convolution, scale and head loss give; headLossOracle.test.ts compares it with the formulas. Terms agree
 * to 3e-6 of themselves: both are sums of the same f32 losses in different orders.
 */
async function expectDense({
  sizes = SIZES,
  truth = TRUTHS,
  recipe = REFERENCE,
  channels = CHANNELS,
  scale = 2,
}: Choice) {
  const loss = makeLoss(sizes, recipe);
  const host = layersOf(sizes, 1, scale, channels);
  const layers = {
    student: uploadLayer(device, sizes, host.student),
    teacher: uploadLayer(device, sizes, host.teacher),
  };
  const classes = (seed: number) => upload(device, sizes, randomOutputs(sizes, seed, 2).classLogits);
  const classLogits = { student: classes(1), teacher: classes(1001) };
  const truthOnDevice = uploadTruths(device, sizes, truth);
  const logits = { student: denseLogits(layers.student), teacher: denseLogits(layers.teacher) };
  const dense = loss.evaluate({
    student: { classLogits: classLogits.student, boxLogits: logits.student.logits.value },
    teacher: { classLogits: classLogits.teacher, boxLogits: logits.teacher.logits.value },
    truth: truthOnDevice,
  });
  const cut = loss.evaluate({
    student: { classLogits: classLogits.student, boxLogits: layers.student },
    teacher: { classLogits: classLogits.teacher, boxLogits: layers.teacher },
    truth: truthOnDevice,
  });

  const [actual, expected] = [await termsOf(cut), await termsOf(dense)];
  for (const name of [...TERM_NAMES, 'total']) {
    expectClose(actual[name], expected[name], { relative: 3e-6, absolute: 1e-7 }, name);
  }
  expectGradient('classLogits', await cut.gradients.classLogits.read(), await dense.gradients.classLogits.read());
  const gradients = cut.gradients.boxLogits;
  const { leaves } = logits.student;
  backward({ variable: logits.student.logits, gradient: dense.gradients.boxLogits });
  for (const part of ['features', 'weight', 'bias'] as const) {
    expectGradient(part, await gradients[part].read(), await leaves[part].gradient!.read());
  }
  // Σ g z of a level, where each edge's g add up to 0: what is left may be far smaller than its parts, which are rounded.
  const parts = await magnitudes(logits.student.logits.value, dense.gradients.boxLogits);
  const [value, wanted] = [await gradients.levelScales!.read(), await leaves.levelScales.gradient!.read()];
  for (const [level, size] of parts.entries()) {
    expectClose([value[level]], [wanted[level]], { absolute: 1e-6 * size }, `gradient of levelScales[${level}]`);
  }
}

/** Σ |g z| of each level. */
async function magnitudes(logits: Pyramid, gradient: Tensor): Promise<number[]> {
  const [z, g] = [await logits.read(), await gradient.read()];
  const { batch, channels, levels } = logits;
  return levels.map(({ offset, height, width }) => {
    const end = offset + batch * channels * height * width;
    let sum = 0;
    for (let i = offset; i < end; i++) sum += Math.abs(z[i] * g[i]);
    return sum;
  });
}

describe('equals convolution, scale and head loss', () => {
  test('every location listed', async () => {
    const sizes = { ...SIZES, width: 32, height: 32, strides: [8], batch: 1 };
    const boxes = [0, 8, 16, 24].flatMap((x) =>
      [0, 8, 16, 24].map((y): ImageTruth['boxes'][0] => [x - 2, y - 2, x + 3, y + 3]),
    );
    const truth = [{ boxes, labels: boxes.map((_, i) => i % 4) }];
    const regions = makeLoss(sizes, REFERENCE)
      .evaluate({
        student: uploadOutputs(device, sizes, randomOutputs(sizes, 1, 1)),
        teacher: uploadOutputs(device, sizes, randomOutputs(sizes, 2, 1)),
        truth: uploadTruths(device, sizes, truth),
      })
      .regions();
    const [label, vlr] = [await regions.label.read(), await regions.vlr.read()];
    expect(label.every((own, i) => own < sizes.classes || vlr[i] > 0)).toBe(true);
    await expectDense({ sizes, truth });
  });

  test('more rows than a round takes', async () => {
    const sizes = { ...SIZES, width: 256, height: 256, strides: [4, 8], batch: 2, classes: 1 };
    const boxes = Array.from({ length: 8 }, (_, i) =>
      Array.from(
        { length: 8 },
        (_, j) => [32 * i - 4, 32 * j - 4, 32 * i + 36, 32 * j + 36] as [number, number, number, number],
      ),
    ).flat();
    const truth = [0, 1].map(() => ({ boxes, labels: boxes.map(() => 0) }));
    const recipe: PartialRecipe = { ...REFERENCE, regions: { vlr: 'reference', gamma: 0 } };
    const { student, teacher } = layersOf(sizes, 1, 1, { student: 2, teacher: 3 });
    const loss = makeLoss(sizes, recipe);
    const result = loss.evaluate({
      student: {
        classLogits: upload(device, sizes, randomOutputs(sizes, 1, 1).classLogits),
        boxLogits: uploadLayer(device, sizes, student),
      },
      teacher: {
        classLogits: upload(device, sizes, randomOutputs(sizes, 2, 1).classLogits),
        boxLogits: uploadLayer(device, sizes, teacher),
      },
      truth: uploadTruths(device, sizes, truth),
    });
    const { vlr } = result.regions();
    expect((await vlr.read()).filter((weight) => weight > 0).length).toBeGreaterThan(4096);
    await expectDense({ sizes, truth, recipe, channels: { student: 2, teacher: 3 }, scale: 1 });
  });
});

/** Box branches as layers, everything else random. */
function scene(change: (layer: HostLayer) => void = () => {}, on = device, channels = CHANNELS) {
  const { student, teacher } = layersOf(SIZES, 1, 2, channels);
  change(student);
  const outputs = (of: number) => ({ classLogits: upload(on, SIZES, randomOutputs(SIZES, of, 2).classLogits) });
  return {
    student: { ...outputs(1), boxLogits: uploadLayer(on, SIZES, student) },
    teacher: { ...outputs(1001), boxLogits: uploadLayer(on, SIZES, teacher) },
    truth: uploadTruths(on, SIZES, TRUTHS),
  };
}

test('without subgroups', async () => {
  const results = [device, await bareDevice()].map((on) =>
    makeHeadLoss(on, SIZES, REFERENCE).evaluate(scene(() => {}, on, { student: 33, teacher: 7 })),
  );
  const [expected, actual] = await Promise.all(results.map(termsOf));
  for (const name of TERM_NAMES) expectClose(actual[name], expected[name], { relative: 3e-6, absolute: 1e-7 }, name);
  for (const part of PARTS) {
    const [wanted, value] = await Promise.all(results.map(({ gradients }) => gradients.boxLogits[part]!.read()));
    expectGradient(part, value, wanted);
  }
});

test('row-major features give the results of the pyramid', async () => {
  const loss = makeLoss(SIZES, REFERENCE);
  const host = layersOf(SIZES, 1, 2, CHANNELS);
  const input = scene();
  const packed = loss.evaluate(input);
  const strided = loss.evaluate({
    student: {
      ...input.student,
      boxLogits: { ...input.student.boxLogits, features: store(device, SIZES, 'rows', host.student.features) },
    },
    teacher: {
      ...input.teacher,
      boxLogits: { ...input.teacher.boxLogits, features: store(device, SIZES, 'rows', host.teacher.features) },
    },
    truth: input.truth,
  });
  expect(await strided.read()).toEqual(await packed.read());
  const rows = restore(SIZES, 'rows', await strided.gradients.boxLogits.features.read());
  expect(rows).toEqual(Array.from(await packed.gradients.boxLogits.features.read()));
  for (const part of ['weight', 'bias', 'levelScales'] as const) {
    expect(await strided.gradients.boxLogits[part]!.read()).toEqual(await packed.gradients.boxLogits[part]!.read());
  }
});

test('without scales they are 1, and a weight may have two dimensions', async () => {
  const loss = makeLoss(SIZES, REFERENCE);
  const input = scene(({ levelScales }) => levelScales.fill(1));
  const { features, weight, bias } = input.student.boxLogits;
  const bare = { features, weight: weight.view(weight.shape.slice(0, 2)), bias };
  const [expected, actual] = [
    loss.evaluate(input),
    loss.evaluate({ ...input, student: { ...input.student, boxLogits: bare } }),
  ];
  expect(await actual.read()).toEqual(await expected.read());
  expect(actual.gradients.boxLogits.levelScales).toBe(null);
  expect(actual.gradients.boxLogits.weight.shape).toEqual([4 * SIZES.bins, CHANNELS.student]);
  expect(await actual.gradients.boxLogits.weight.read()).toEqual(await expected.gradients.boxLogits.weight.read());
});

test('the same inputs give the same bits', async () => {
  const loss = makeLoss(SIZES, REFERENCE);
  const bits = async () => {
    const { terms, gradients, dispose } = loss.evaluate(scene());
    const read = [terms, gradients.classLogits, ...PARTS.map((part) => gradients.boxLogits[part]!)].map((t) =>
      t.read(),
    );
    const values = await Promise.all(read);
    dispose();
    return values.map((array) => Array.from(new Uint32Array(array.buffer)));
  };
  expect(await bits()).toEqual(await bits());
});

test('everything goes back to the pool', () => {
  const loss = makeLoss(SIZES, REFERENCE);
  const input = scene();
  const before = device.pool.usedBytes;
  loss.evaluate(input).dispose();
  expect(device.pool.usedBytes).toBe(before);
});

test('takes less memory than the box logits of one net', async () => {
  const sizes = { ...SIZES, width: 640, height: 640, batch: 4, classes: 1, bins: 17 }; // as train/step.test.ts
  const loss = makeLoss(sizes, REFERENCE);
  const { levels, locations } = loss.grid;
  const net = () => ({
    classLogits: Pyramid.of(device.zeros([sizes.batch * locations]), sizes.batch, 1, levels),
    boxLogits: {
      features: Pyramid.of(device.zeros([sizes.batch * 4 * locations]), sizes.batch, 4, levels),
      weight: device.zeros([4 * sizes.bins, 4]),
      bias: device.zeros([4 * sizes.bins]),
    },
  });
  const truths = Array.from({ length: sizes.batch }, () => ({ ...TRUTHS[0], labels: [0, 0] }));
  const input = { student: net(), teacher: net(), truth: uploadTruths(device, sizes, truths) };
  const before = device.pool.usedBytes;
  let most = 0;
  const { pool } = device;
  const take = pool.take.bind(pool);
  const spy = vi.spyOn(pool, 'take').mockImplementation((size) => {
    const buffer = take(size);
    most = Math.max(most, pool.usedBytes - before);
    return buffer;
  });
  loss.evaluate(input).dispose();
  spy.mockRestore();
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(4 * sizes.batch * 4 * sizes.bins * locations);
});

describe('bad input is named', () => {
  test('NaN in the features of a listed location: term, level and image', async () => {
    const { label } = makeLoss(SIZES, REFERENCE).evaluate(scene()).regions();
    const area = 96; // level 0: 12 × 8
    const positive = (await label.read()).subarray(area, 2 * area).findIndex((own) => own < SIZES.classes);
    const input = scene(({ features }) => {
      features[0][(1 * CHANNELS.student + 3) * area + positive] = Number.NaN; // image 1, channel 3
    });
    const [row, column] = [Math.floor(positive / 12), positive % 12];
    await expect(makeLoss(SIZES, REFERENCE).evaluate(input).read()).rejects.toThrow(
      new RegExp(`is not finite at level 0 \\(stride 8\\), image 1, row ${row}, column ${column}`),
    );
    await expect(
      makeLoss(SIZES, { ...REFERENCE, classification: { weight: 0 }, kd: { main: 0 } })
        .evaluate(input)
        .read(),
    ).rejects.toThrow(/loss_\w+ is not finite at level 0/);
  });

  test('the parts of a layer', () => {
    const loss = makeLoss(SIZES, REFERENCE);
    const input = scene();
    const evaluate = (change: Partial<BoxLayer>) =>
      loss.evaluate({ ...input, student: { ...input.student, boxLogits: { ...input.student.boxLogits, ...change } } });
    expect(() => evaluate({ weight: device.zeros([4 * 17, 12]) })).toThrow(
      /student\.boxLogits\.weight: shape \[68,12\]; expected \[20, C\].*5 bins/,
    );
    expect(() => evaluate({ weight: device.zeros([20, 12, 3, 3]) })).toThrow(/weight: shape \[20,12,3,3\]/);
    expect(() => evaluate({ weight: device.zeros([20, 13, 1, 1]) })).toThrow(
      /boxLogits\.features: 12 channels; expected 13/,
    );
    expect(() => evaluate({ bias: device.zeros([9]) })).toThrow(/boxLogits\.bias: 9 elements; expected 20/);
    expect(() => evaluate({ levelScales: device.zeros([2]) })).toThrow(
      /levelScales: 2 elements; expected one for each of 3/,
    );
  });

  test('general instances need logits', () => {
    const loss = makeLoss(SIZES, 'imitation-gibox');
    const features = upload(device, SIZES, randomOutputs(SIZES, 1, 1).features!);
    const { student, teacher, truth } = scene();
    expect(() =>
      loss.evaluate({ student: { ...student, features }, teacher: { ...teacher, features }, truth }),
    ).toThrow(/student\.boxLogits: a layer; general instances/);
  });
});
