import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HeadLoss, type HeadLossResult, TERM_NAMES } from '../../src/losses/headLoss.js';
import type { PartialRecipe } from '../../src/losses/recipe.js';
import { sharedDevice } from '../device.js';
import { expectClose } from '../reference/closeTo.js';
import { type HeadLossResult as Expected, headLossOracle } from '../reference/headLoss.js';
import { type HeadLossSettings, referenceSettings } from '../reference/headLossSettings.js';
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
const REFERENCE: PartialRecipe = {
  ld: { main: 0.25, vlr: 0.25 },
  kd: { main: 10 },
  regions: { vlr: 'reference' },
};

function makeLoss(sizes: HeadSizes, recipe: PartialRecipe | string): HeadLoss {
  const { width, height } = sizes;
  return new HeadLoss(device, { ...sizes, imageSize: { width, height }, recipe });
}

/** Whether the GPU's regions are the oracle's: f32 decides otherwise only within rounding of a threshold. */
async function sameRegions(result: HeadLossResult, expected: Expected, truth: readonly ImageTruth[]): Promise<boolean> {
  const starts = truth.map((_, image) => truth.slice(0, image).reduce((sum, { boxes }) => sum + boxes.length, 0));
  const owners = expected.regions.flatMap(({ truthIndex }) =>
    Array.from(truthIndex, (own, i) =>
      own < 0 ? -1 : own + starts[Math.floor((i * truth.length) / truthIndex.length)],
    ),
  );
  const values = expected.regions.flatMap(({ vlr }) => Array.from(vlr));
  const { matched, vlr } = result.regions();
  const [gpuOwners, gpuValues] = await Promise.all([matched.read(), vlr.read()]);
  return (
    owners.join() === gpuOwners.join() && values.every((value, i) => Math.abs(gpuValues[i] - value) <= 1e-4 * value)
  );
}

/** Terms to 2e-5 of themselves; gradients to 2e-5 of the largest of their kind, the rounding of sums of f32 products. */
async function expectSame(actual: HeadLossResult, expected: Expected): Promise<void> {
  const { terms, total } = await actual.read();
  for (const name of TERM_NAMES)
    expectClose(terms[name], expected.terms[name], { relative: 2e-5, absolute: 1e-7 }, name);
  expectClose([total], [expected.total], { relative: 2e-5 }, 'total');
  for (const key of ['classLogits', 'boxLogits', 'features'] as const) {
    const gradient = actual.gradients[key];
    if (!gradient) continue;
    const want = expected.gradients[key].flatMap((level) => Array.from(level));
    const largest = want.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    expectClose(await gradient.read(), want, { absolute: 2e-5 * largest }, `gradient of ${key}`);
  }
}

async function expectOracle(
  sizes: HeadSizes,
  truth: ImageTruth[],
  recipe: PartialRecipe,
  changes: Parameters<typeof referenceSettings>[1],
  { seed = 1, scale = 2, precondition = false } = {},
): Promise<void> {
  const student = randomOutputs(sizes, seed, scale);
  const teacher = randomOutputs(sizes, seed + 1000, scale);
  const settings: HeadLossSettings = referenceSettings(sizes, changes);
  const expected = headLossOracle({ student, teacher, truth, settings });
  const loss = makeLoss(sizes, recipe);
  const actual = loss.evaluate({
    student: uploadOutputs(device, sizes, student),
    teacher: uploadOutputs(device, sizes, teacher),
    truth: uploadTruths(device, sizes, truth),
  });
  const same = await sameRegions(actual, expected, truth);
  if (precondition) fc.pre(same);
  else expect(same).toBe(true);
  await expectSame(actual, expected);
  actual.dispose();
}

describe('against the float64 oracle', () => {
  test('random sizes, logits and boxes', async () => {
    const sizes = fc.record({
      width: fc.integer({ min: 20, max: 150 }),
      height: fc.integer({ min: 20, max: 150 }),
      strides: fc.constantFrom<number[]>([8, 16, 32], [8, 16, 32, 64, 128], [4, 8], [16]),
      batch: fc.integer({ min: 1, max: 3 }),
      classes: fc.integer({ min: 1, max: 7 }),
      bins: fc.constantFrom<number>(2, 8, 17), // each is a variant of two kernels that takes a second to compile
    });
    const cases = sizes.chain((s) =>
      fc.tuple(
        fc.constant(s),
        fc.array(truths(s.width, s.height), { minLength: s.batch, maxLength: s.batch }),
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom(0.5, 3, 20),
      ),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ([s, drawn, seed, scale]) => {
        const truth = drawn.map(({ boxes, labels }) => ({ boxes, labels: labels.map((label) => label % s.classes) }));
        await expectOracle(s, truth, REFERENCE, {}, { seed, scale, precondition: true });
      }),
      { numRuns: 25 },
    );
  });

  const variants: [string, PartialRecipe, Parameters<typeof referenceSettings>[1]][] = [
    ['paper VLR, γ 0', { ...REFERENCE, regions: { vlr: 'paper', gamma: 0 } }, { vlr: { form: 'paper', gamma: 0 } }],
    ['CIoU', { ...REFERENCE, box: { form: 'ciou' } }, { boxLoss: 'ciou' }],
    ['teacher-bounded boxes', { ...REFERENCE, box: { bounded: 0.5 } }, { bounded: 0.5 }],
    [
      'VLR KD, T 5',
      { ...REFERENCE, kd: { main: 10, vlr: 7, temperature: 5 } },
      { weights: { loss_kd_neg: 7 }, temperatureKd: 5 },
    ],
    [
      'binary KD',
      { ...REFERENCE, kd: { main: 3, vlr: 2, form: 'binary' } },
      { kdForm: 'binary', weights: { loss_kd: 3, loss_kd_neg: 2 } },
    ],
    [
      'LD alone, T 1',
      {
        classification: { weight: 0 },
        box: { weight: 0 },
        dfl: { weight: 0 },
        ld: { main: 1, vlr: 2, temperature: 1 },
        regions: { vlr: 'reference' },
      },
      {
        temperatureLd: 1,
        temperatureLdVlr: 1,
        weights: { loss_cls: 0, loss_bbox: 0, loss_dfl: 0, loss_ld: 1, loss_ld_vlr: 2, loss_kd: 0 },
      },
    ],
    [
      'β 1.5, top 4, no normaliser of LD',
      {
        ...REFERENCE,
        classification: { beta: 1.5 },
        regions: { vlr: 'reference', topk: 4 },
        ld: { main: 0.1, vlr: 0.1, normaliser: 'none' },
      },
      { beta: 1.5, topk: 4, ldDivisor: 1, ldVlrDivisor: 1, weights: { loss_ld: 0.1, loss_ld_vlr: 0.1 } },
    ],
    [
      'anchors in the middle of a cell',
      { ...REFERENCE, regions: { vlr: 'reference', centreOffset: 0.5, octaveScale: 5 } },
      { centreOffset: 0.5, octaveBaseScale: 5 },
    ],
  ];
  test.each(variants)('%s', async (_name, recipe, changes) => {
    await expectOracle(SIZES, TRUTHS, recipe, changes);
  });

  test.each(['whole', 'inside', 'main', 'finegrained', 'decouple', 'gibox'] as const)(
    'imitation: %s',
    async (method) => {
      await expectOracle(
        SIZES,
        TRUTHS,
        { ...REFERENCE, imitation: { method, weight: 2 } },
        { imitation: { method, giboxScope: 'batch' }, weights: { loss_im: 2 } },
      );
    },
  );

  test('imitation: GI boxes of each image', async () => {
    await expectOracle(
      SIZES,
      TRUTHS,
      { ...REFERENCE, imitation: { method: 'gibox-image', weight: 2 } },
      { imitation: { method: 'gibox', giboxScope: 'image' }, weights: { loss_im: 2 } },
    );
  });

  test('ignored regions, one image without boxes', async () => {
    const truth: ImageTruth[] = [
      { ...TRUTHS[0], ignore: [[0, 0, 40, 64]] },
      { boxes: [], labels: [] },
    ];
    const recipe = { ...REFERENCE, regions: { vlr: 'reference', ignoreIofThreshold: 0.5 } } as const;
    await expectOracle(SIZES, truth, recipe, { ignoreIofThreshold: 0.5 });
  });

  test('a level of whole quads that begins within a quad', async () => {
    const sizes = { ...SIZES, width: 40, height: 40, strides: [8, 10, 20], batch: 1 };
    const box = [4.3, 6.1, 33.7, 35.2] as const;
    await expectOracle(sizes, [{ boxes: [[...box]], labels: [2] }], REFERENCE, {});
  });

  test('no boxes at all', async () => {
    await expectOracle(
      SIZES,
      [
        { boxes: [], labels: [] },
        { boxes: [], labels: [] },
      ],
      REFERENCE,
      {},
    );
  });

  test('logits of ±1e4', async () => {
    await expectOracle(SIZES, TRUTHS, REFERENCE, {}, { scale: 1e4 });
  });
});

/** A student, a teacher and a truth on the device. */
function scene(sizes = SIZES, seed = 1) {
  return {
    student: uploadOutputs(device, sizes, randomOutputs(sizes, seed, 2)),
    teacher: uploadOutputs(device, sizes, randomOutputs(sizes, seed + 1000, 2)),
    truth: uploadTruths(device, sizes, TRUTHS),
  };
}

describe('forms without an oracle', () => {
  test('row-major logits give the results of the pyramid', async () => {
    const loss = makeLoss(SIZES, REFERENCE);
    const student = randomOutputs(SIZES, 1, 2);
    const teacher = randomOutputs(SIZES, 1001, 2);
    const rows = (outputs: typeof student) => ({
      classLogits: uploadRows(device, SIZES, outputs.classLogits),
      boxLogits: uploadRows(device, SIZES, outputs.boxLogits),
    });
    const packed = loss.evaluate(scene());
    const strided = loss.evaluate({ student: rows(student), teacher: rows(teacher), truth: scene().truth });
    // The passes over the class logits add in different orders.
    const [rowMajor, pyramid] = [await strided.read(), await packed.read()];
    for (const name of TERM_NAMES) expectClose(rowMajor.terms[name], pyramid.terms[name], { relative: 1e-6 }, name);
    for (const key of ['classLogits', 'boxLogits'] as const) {
      const want = Array.from(await packed.gradients[key].read());
      expect(fromRows(SIZES, await strided.gradients[key].read())).toEqual(want);
    }
  });

  // Weights that the losses hold fixed (score, quality, regions) move with the class logits, so only box logits are moved.
  test.each(['ltrb', 'offset'] as const)('%s boxes: central differences of the box terms', async (parameters) => {
    const recipe: PartialRecipe = { ...REFERENCE, classification: { weight: 0 }, box: { parameters } };
    const loss = makeLoss(SIZES, recipe);
    const host = randomOutputs(SIZES, 5, 2);
    const { teacher, truth, student } = scene(SIZES, 5);
    const evaluated = loss.evaluate({ student, teacher, truth });
    const gradient = await evaluated.gradients.boxLogits.read();
    const regions = evaluated.regions();
    const label = await regions.label.read();
    const vlr = await regions.vlr.read();
    const totalOf = async (element: number, offset: number): Promise<number> => {
      const moved = Array.from(host.boxLogits[0]);
      moved[element] += offset;
      const boxLogits = upload(device, SIZES, [moved, ...host.boxLogits.slice(1)]);
      const { terms } = await loss.evaluate({ student: { ...student, boxLogits }, teacher, truth }).read();
      return Object.values(terms)
        .flat()
        .reduce((sum, term) => sum + term, 0);
    };
    const area = 96;
    const cells = Array.from({ length: area }, (_, i) => i).filter((i) => label[i] < SIZES.classes || vlr[i] > 0);
    expect(cells.length).toBeGreaterThan(3);
    let largest = 0;
    let worst = 0;
    for (const cell of cells.slice(0, 6)) {
      for (const channel of [0, 7, 12, 25, 35]) {
        const element = channel * area + cell;
        const numeric = ((await totalOf(element, 0.02)) - (await totalOf(element, -0.02))) / 0.04;
        largest = Math.max(largest, Math.abs(numeric));
        worst = Math.max(worst, Math.abs(numeric - gradient[element]));
      }
    }
    // f32 totals of order 10 moved by 0.02: rounding of 1e-6 / 0.04, and the third derivative.
    expect(worst).toBeLessThan(2e-3 * largest + 1e-4);
  });

  test('normalised by weights, LD does not grow with the batch', async () => {
    const recipe: PartialRecipe = { ld: { main: 1, vlr: 1, normaliser: 'weights' } };
    const one = randomOutputs({ ...SIZES, batch: 1 }, 3, 2);
    const other = randomOutputs({ ...SIZES, batch: 1 }, 4, 2);
    const sum = async (batch: number): Promise<number[]> => {
      const sizes = { ...SIZES, batch };
      const repeat = (levels: readonly ArrayLike<number>[]) =>
        levels.map((level) => Array.from({ length: batch }, () => Array.from(level)).flat());
      const outputs = (o: typeof one) => ({ classLogits: repeat(o.classLogits), boxLogits: repeat(o.boxLogits) });
      const truth = uploadTruths(
        device,
        sizes,
        Array.from({ length: batch }, () => TRUTHS[0]),
      );
      const student = uploadOutputs(device, sizes, outputs(one));
      const teacher = uploadOutputs(device, sizes, outputs(other));
      const { terms } = await makeLoss(sizes, recipe).evaluate({ student, teacher, truth }).read();
      return [terms.loss_ld, terms.loss_ld_vlr].map((levels) => levels.reduce((total, term) => total + term, 0));
    };
    expectClose(await sum(3), await sum(1), { relative: 1e-5 });
  });
});

test('the same inputs give the same bits', async () => {
  const loss = makeLoss(SIZES, 'main-kd+main-ld+vlr-ld+imitation-gibox');
  const bits = async () => {
    const { terms, gradients, dispose } = loss.evaluate(scene());
    const read = [terms, gradients.classLogits, gradients.boxLogits].map((tensor) => tensor.read());
    const values = await Promise.all(read);
    dispose();
    return values.map((array) => Array.from(new Uint32Array(array.buffer)));
  };
  expect(await bits()).toEqual(await bits());
});

test('everything goes back to the pool', () => {
  const loss = makeLoss(SIZES, 'main-kd+main-ld+vlr-ld+imitation-gibox');
  const input = scene();
  const before = device.pool.usedBytes;
  loss.evaluate(input).dispose();
  expect(device.pool.usedBytes).toBe(before);
});

describe('bad input is named', () => {
  const evaluate = (change: (s: ReturnType<typeof scene>) => object, recipe: string | PartialRecipe = REFERENCE) =>
    makeLoss(SIZES, recipe).evaluate({ ...scene(), ...change(scene()) });

  test('NaN logits: term, level and image', async () => {
    const host = randomOutputs(SIZES, 1, 2);
    const spoiled = Array.from(host.classLogits[1]);
    spoiled[24 * 4 + 30] = Number.NaN; // image 1, class 1, row 1, column 0 of a 6 × 4 map
    const classLogits = upload(device, SIZES, [host.classLogits[0], spoiled, host.classLogits[2]]);
    const result = evaluate((s) => ({ student: { ...s.student, classLogits } }));
    await expect(result.read()).rejects.toThrow(
      /loss_cls.*level 1 \(stride 16\), image 1, row 1, column 0.*class logits/,
    );
  });

  test('infinite box logits of the teacher', async () => {
    const host = randomOutputs(SIZES, 1001, 2);
    const spoiled = host.boxLogits.map((level) => Array.from(level).fill(Number.POSITIVE_INFINITY));
    const boxLogits = upload(device, SIZES, spoiled);
    const result = evaluate((s) => ({ teacher: { ...s.teacher, boxLogits } }));
    await expect(result.read()).rejects.toThrow(/loss_ld is not finite at level 0.*teacher's box logits/);
  });

  test('a teacher with other bins', () => {
    const other = { ...SIZES, bins: 17 };
    const boxLogits = upload(device, other, randomOutputs(other, 2, 1).boxLogits);
    expect(() => evaluate((s) => ({ teacher: { ...s.teacher, boxLogits } }))).toThrow(
      /teacher\.boxLogits: 68 channels.*9 bins/,
    );
  });

  test('a teacher with other classes', () => {
    const other = { ...SIZES, classes: 7 };
    const classLogits = upload(device, other, randomOutputs(other, 2, 1).classLogits);
    expect(() => evaluate((s) => ({ teacher: { ...s.teacher, classLogits } }))).toThrow(
      /teacher\.classLogits: 7 channels.*4/,
    );
  });

  test('a teacher with other strides', () => {
    const other = { ...SIZES, strides: [8, 16] };
    const teacher = uploadOutputs(device, other, randomOutputs(other, 2, 1));
    expect(() => evaluate(() => ({ teacher }))).toThrow(/teacher\.classLogits: its levels.*strides/);
  });

  test('no teacher, no features', () => {
    const loss = makeLoss(SIZES, 'main-ld');
    const { student, truth } = scene();
    expect(() => loss.evaluate({ student, truth })).toThrow(/teacher: recipe main-ld distils/);
    const bare = { classLogits: student.classLogits, boxLogits: student.boxLogits };
    expect(() => evaluate(() => ({ student: bare }), 'imitation-whole')).toThrow(/student\.features/);
  });

  test('options', () => {
    expect(() => makeLoss({ ...SIZES, bins: 1 }, 'gfocal')).toThrow(/bins: 1/);
    expect(() => makeLoss({ ...SIZES, bins: 65 }, 'gfocal')).toThrow(/bins: 65/);
    expect(() => makeLoss({ ...SIZES, classes: 0 }, 'gfocal')).toThrow(/classes: 0/);
    expect(() => makeLoss({ ...SIZES, batch: 1.5 }, 'gfocal')).toThrow(/batch: 1.5/);
    const options = { ...SIZES, imageSize: SIZES, recipe: 'gfocal' };
    expect(() => new HeadLoss(device, { ...options, centreOffset: 2 })).toThrow(/centreOffset is 2/);
    expect(new HeadLoss(device, { ...options, centreOffset: 0.5 }).recipe.regions.centreOffset).toBe(0.5);
  });
});
