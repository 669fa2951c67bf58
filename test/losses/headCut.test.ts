import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backward } from '../../src/autograd/variable.js';
import { findAdapter } from '../../src/gpu/adapter.js';
import type { BoxLayer } from '../../src/losses/boxLayer.js';
import { HeadLoss, type HeadLossResult, TERM_NAMES } from '../../src/losses/headLoss.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import { Device, openDevice } from '../../src/tensor/device.js';
import type { Maps } from '../../src/tensor/layout.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { headLossOracle } from '../reference/headLoss.js';
import { referenceSettings } from '../reference/headLossSettings.js';
import { truths } from '../reference/randomTruths.js';
import type { ImageTruth } from '../reference/types.js';
import {
  fromRows,
  type HeadSizes,
  randomOutputs,
  upload,
  uploadOutputs,
  uploadRows,
  uploadTruths,
} from './headCase.js';
import {
  denseLogits,
  type HostLayer,
  layerGradientsOracle,
  logitsOracle,
  PARTS,
  randomLayer,
  uploadLayer,
} from './headCutCase.js';

const device = await sharedDevice();

const SIZES: HeadSizes = { width: 96, height: 64, strides: [8, 16, 32], batch: 2, classes: 4, bins: 9 };
const TRUTHS: ImageTruth[] = [
  {
    boxes: [
      [10.3, 5.1, 60.7, 50.2],
      [40.9, 20.4, 90.1, 63.3],
    ],
    labels: [1, 3],
  },
  { boxes: [[3.2, 7.7, 33.1, 30.9]], labels: [0] },
];
/** The recipe of the oracle's default settings. */
const REFERENCE: PartialRecipe = { ld: { main: 0.25, vlr: 0.25 }, kd: { main: 10 }, regions: { vlr: 'reference' } };
const CHANNELS = { student: 12, teacher: 20 };

interface Choice {
  sizes?: HeadSizes;
  truth?: readonly ImageTruth[];
  recipe?: string | PartialRecipe;
  channels?: { student: number; teacher: number };
  seed?: number;
  /** Deviation of the logits. */
  scale?: number;
  /** Which net gives a layer. */
  layers?: 'both' | 'student' | 'teacher';
  on?: Device;
}

function makeLoss(sizes: HeadSizes, recipe: string | PartialRecipe, on = device): HeadLoss {
  const { width, height } = sizes;
  return new HeadLoss(on, { ...sizes, imageSize: { width, height }, recipe });
}

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
 * That Cut LD gives what convolution, scale and head loss give. Terms agree to 3e-6 of themselves: both are sums of the same
 * f32 losses in different orders.
 */
async function expectDense(choice: Choice): Promise<void> {
  const { sizes = SIZES, truth = TRUTHS, recipe = REFERENCE, channels = CHANNELS } = choice;
  const { seed = 1, scale = 2, layers = 'both', on = device } = choice;
  const loss = makeLoss(sizes, recipe, on);
  const host = layersOf(sizes, seed, scale, channels);
  const own = {
    ...uploadOutputs(on, sizes, randomOutputs(sizes, seed, 2)),
    layer: uploadLayer(on, sizes, host.student),
  };
  const other = {
    ...uploadOutputs(on, sizes, randomOutputs(sizes, seed + 1000, 2)),
    layer: uploadLayer(on, sizes, host.teacher),
  };
  const truthOnDevice = uploadTruths(on, sizes, truth);
  const logits = denseLogits(own.layer);
  const taught = denseLogits(other.layer);
  const boxes: { student: Maps | BoxLayer; teacher: Maps | BoxLayer } = {
    student: layers === 'teacher' ? logits.logits.value : own.layer,
    teacher: layers === 'student' ? taught.logits.value : other.layer,
  };
  const dense = loss.evaluate({
    student: { ...own, boxLogits: logits.logits.value },
    teacher: { ...other, boxLogits: taught.logits.value },
    truth: truthOnDevice,
  });
  const cut = loss.evaluate({
    student: { ...own, boxLogits: boxes.student },
    teacher: { ...other, boxLogits: boxes.teacher },
    truth: truthOnDevice,
  });

  const [actual, expected] = [await termsOf(cut), await termsOf(dense)];
  for (const name of [...TERM_NAMES, 'total']) {
    expectClose(actual[name], expected[name], { relative: 3e-6, absolute: 1e-7 }, name);
  }
  expectGradient('classLogits', await cut.gradients.classLogits.read(), await dense.gradients.classLogits.read());
  if (cut.gradients.features && dense.gradients.features) {
    expectGradient('features', await cut.gradients.features.read(), await dense.gradients.features.read());
  }
  const gradients = cut.gradients.boxLogits;
  if ('read' in gradients) {
    expectGradient('boxLogits', await gradients.read(), await dense.gradients.boxLogits.read());
  } else {
    backward({ variable: logits.logits, gradient: dense.gradients.boxLogits });
    for (const part of ['features', 'weight', 'bias'] as const) {
      expectGradient(part, await gradients[part]!.read(), await logits.leaves[part].gradient!.read());
    }
    // Σ g z of a level, where each edge's g add up to 0: what is left may be far smaller than its parts, which are rounded.
    const parts = await magnitudes(logits.logits.value, dense.gradients.boxLogits);
    const [value, wanted] = [await gradients.levelScales!.read(), await logits.leaves.levelScales.gradient!.read()];
    for (const [level, size] of parts.entries()) {
      expectClose([value[level]], [wanted[level]], { absolute: 1e-6 * size }, `gradient of levelScales[${level}]`);
    }
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
  test('random sizes, channels, logits and boxes', async () => {
    const sizes = fc.record({
      width: fc.integer({ min: 20, max: 150 }),
      height: fc.integer({ min: 20, max: 150 }),
      strides: fc.constantFrom<number[]>([8, 16, 32], [8, 16, 32, 64, 128], [4, 8], [16]),
      batch: fc.integer({ min: 1, max: 3 }),
      classes: fc.integer({ min: 1, max: 7 }),
      bins: fc.constantFrom<number>(2, 9, 17), // each is a variant of three kernels that takes a second to compile
    });
    const channels = fc.integer({ min: 1, max: 50 });
    const cases = sizes.chain((s) =>
      fc.tuple(
        fc.constant(s),
        fc.array(truths(s.width, s.height), { minLength: s.batch, maxLength: s.batch }),
        fc.record({ student: channels, teacher: channels }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom(0.5, 3, 20),
        fc.constantFrom<('both' | 'student' | 'teacher')[]>('both', 'both', 'student', 'teacher'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([s, drawn, width, seed, scale, layers]) => {
        const truth = drawn.map(({ boxes, labels }) => ({ boxes, labels: labels.map((label) => label % s.classes) }));
        await expectDense({ sizes: s, truth, channels: width, seed, scale, layers });
      }),
      { numRuns: 25 },
    );
  });

  const recipes: [string, string | PartialRecipe][] = [
    ['no distillation', 'gfocal'],
    ['LD on the main region alone', 'main-ld'],
    ['LD in the VLR alone', 'vlr-ld'],
    ['KD in the VLR', { ...REFERENCE, kd: { main: 10, vlr: 7 } }],
    ['KD in the VLR, LD on the main region alone', { ld: { main: 1 }, kd: { vlr: 7 } }],
    ['paper VLR, γ 0, T 1', { ld: { main: 1, vlr: 1, temperature: 1 }, regions: { vlr: 'paper', gamma: 0 } }],
    ['CIoU, LD normalised by weights', { box: { form: 'ciou' }, ld: { main: 1, vlr: 1, normaliser: 'weights' } }],
    ['offset boxes', { ...REFERENCE, box: { parameters: 'offset' } }],
    ['nothing on boxes', { box: { weight: 0 }, dfl: { weight: 0 } }],
    ['teacher-bounded boxes', { ...REFERENCE, box: { bounded: 0.5 } }],
    ['imitation', { ...REFERENCE, imitation: { method: 'inside', weight: 2 } }],
  ];
  test.each(recipes)('%s', async (_name, recipe) => {
    await expectDense({ recipe });
  });

  test.each(['student', 'teacher'] as const)('only the %s gives a layer', async (layers) => {
    await expectDense({ layers });
    await expectDense({ layers, recipe: 'main-ld' });
  });

  test('no boxes', async () => {
    await expectDense({ truth: TRUTHS.map(() => ({ boxes: [], labels: [] })) });
  });

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
    const sizes = { ...SIZES, width: 256, height: 256, strides: [4, 8], batch: 2, classes: 1, bins: 2 };
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

  test('without subgroups', async () => {
    const found = await findAdapter();
    const gpu = await found.adapter.requestDevice();
    const adapter = { name: 'without subgroups', kind: 'adopted', source: 'test' } as const;
    const bare = new Device(gpu, adapter, () => {
      gpu.destroy();
      found.release();
    });
    await expectDense({ on: bare, channels: { student: 33, teacher: 7 } });
    await bare.close();
  });
});

/** Box branches as layers, everything else random. */
function scene(sizes = SIZES, seed = 1, change: (layer: HostLayer) => void = () => {}) {
  const { student, teacher } = layersOf(sizes, seed, 2, CHANNELS);
  change(student);
  const outputs = (of: number) => ({ classLogits: upload(device, sizes, randomOutputs(sizes, of, 2).classLogits) });
  return {
    student: { ...outputs(seed), boxLogits: uploadLayer(device, sizes, student) },
    teacher: { ...outputs(seed + 1000), boxLogits: uploadLayer(device, sizes, teacher) },
    truth: uploadTruths(device, sizes, TRUTHS),
  };
}

test('equals the float64 oracle', async () => {
  const host = layersOf(SIZES, 1, 2, CHANNELS);
  const outputs = { student: randomOutputs(SIZES, 1, 2), teacher: randomOutputs(SIZES, 1001, 2) };
  const expected = headLossOracle({
    student: { ...outputs.student, boxLogits: logitsOracle(SIZES, host.student) },
    teacher: { ...outputs.teacher, boxLogits: logitsOracle(SIZES, host.teacher) },
    truth: TRUTHS,
    settings: referenceSettings(SIZES),
  });
  const result = makeLoss(SIZES, REFERENCE).evaluate(scene());
  const { terms } = await result.read();
  for (const name of TERM_NAMES)
    expectClose(terms[name], expected.terms[name], { relative: 2e-5, absolute: 1e-7 }, name);
  const wanted = layerGradientsOracle(SIZES, host.student, expected.gradients.boxLogits);
  for (const part of PARTS) expectGradient(part, await result.gradients.boxLogits[part]!.read(), wanted[part]);
});

// Weights that the losses hold fixed (score, quality, regions) move with the class logits or enter the classes' loss alone.
test('central differences of the box terms', async () => {
  const recipe: PartialRecipe = { ...REFERENCE, classification: { weight: 0 } };
  const loss = makeLoss(SIZES, recipe);
  const result = loss.evaluate(scene());
  const totalOf = async (change: (layer: HostLayer) => void) =>
    (await loss.evaluate(scene(SIZES, 1, change)).read()).total;
  for (const part of PARTS) {
    const gradient = await result.gradients.boxLogits[part]!.read();
    const largest = Array.from(gradient).reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const steep = Array.from(gradient.keys()).filter((i) => Math.abs(gradient[i]) > 0.2 * largest);
    const step = part === 'levelScales' ? 0.005 : 0.02;
    for (const element of steep.slice(0, 5)) {
      const move = (by: number) => (layer: HostLayer) => {
        const arrays = part === 'features' ? layer.features : [layer[part]];
        let rest = element;
        const at = arrays.find((array) => {
          if (rest < array.length) return true;
          rest -= array.length;
          return false;
        });
        at![rest] += by;
      };
      const numeric = ((await totalOf(move(step))) - (await totalOf(move(-step)))) / (2 * step);
      // f32 totals of order 10 moved by the step: rounding of 1e-6 / step, and the third derivative.
      expect(Math.abs(numeric - gradient[element])).toBeLessThan(2e-3 * largest + 4e-6 / step);
    }
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
      boxLogits: { ...input.student.boxLogits, features: uploadRows(device, SIZES, host.student.features) },
    },
    teacher: {
      ...input.teacher,
      boxLogits: { ...input.teacher.boxLogits, features: uploadRows(device, SIZES, host.teacher.features) },
    },
    truth: input.truth,
  });
  expect(await strided.read()).toEqual(await packed.read());
  const rows = fromRows(SIZES, await strided.gradients.boxLogits.features.read());
  expect(rows).toEqual(Array.from(await packed.gradients.boxLogits.features.read()));
  for (const part of ['weight', 'bias', 'levelScales'] as const) {
    expect(await strided.gradients.boxLogits[part]!.read()).toEqual(await packed.gradients.boxLogits[part]!.read());
  }
});

test('without scales they are 1, and a weight may have two dimensions', async () => {
  const loss = makeLoss(SIZES, REFERENCE);
  const input = scene(SIZES, 1, ({ levelScales }) => levelScales.fill(1));
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
  const own = await openDevice();
  const sizes = { ...SIZES, width: 640, height: 640, batch: 8, classes: 1, bins: 17 };
  const loss = makeLoss(sizes, REFERENCE, own);
  const { levels, locations } = loss.grid;
  const layer = () => ({
    features: own.zeros([sizes.batch * 4 * locations]),
    weight: own.zeros([4 * sizes.bins, 4]),
    bias: own.zeros([4 * sizes.bins]),
  });
  const net = () => ({
    classLogits: Pyramid.of(own.zeros([sizes.batch * locations]), sizes.batch, 1, levels),
    boxLogits: { ...layer(), features: Pyramid.of(layer().features, sizes.batch, 4, levels) },
  });
  const input = {
    student: net(),
    teacher: net(),
    truth: uploadTruths(
      own,
      sizes,
      Array.from({ length: 8 }, () => ({ ...TRUTHS[0], labels: [0, 0] })),
    ),
  };
  const before = own.pool.heldBytes;
  loss.evaluate(input).dispose();
  expect(own.pool.heldBytes - before).toBeLessThan(4 * sizes.batch * 4 * sizes.bins * locations);
  await own.close();
});

describe('bad input is named', () => {
  test('NaN in the features of a listed location: term, level and image', async () => {
    const { label } = makeLoss(SIZES, REFERENCE).evaluate(scene()).regions();
    const area = 96; // level 0: 12 × 8
    const positive = (await label.read()).subarray(area, 2 * area).findIndex((own) => own < SIZES.classes);
    const input = scene(SIZES, 1, ({ features }) => {
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
      /student\.boxLogits\.weight: shape \[68,12\]; expected \[36, C\].*9 bins/,
    );
    expect(() => evaluate({ weight: device.zeros([36, 12, 3, 3]) })).toThrow(/weight: shape \[36,12,3,3\]/);
    expect(() => evaluate({ weight: device.zeros([36, 13, 1, 1]) })).toThrow(
      /boxLogits\.features: 12 channels; expected 13/,
    );
    expect(() => evaluate({ bias: device.zeros([9]) })).toThrow(/boxLogits\.bias: 9 elements; expected 36/);
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
