/** Losses and gradients of every recipe are those of the float64 oracle. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HeadOutputs } from '../../src/losses/headOutputs.js';
import type { HeadLossResult } from '../../src/losses/headResult.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { fineGrainedProjection } from '../../src/losses/projection.js';
import { type PartialRecipe, type Recipe, resolveRecipe } from '../../src/losses/recipe.js';
import { Random } from '../../src/tensor/random.js';
import { sharedDevice } from '../device.js';
import { isClear } from '../reference/clear.js';
import { expectClose } from '../reference/closeTo.js';
import { type HeadLossResult as Expected, headLossOracle } from '../reference/headLoss.js';
import { type TeacherForm, teacherSizes } from '../reference/rebin.js';
import type { HeadSizes, ImageTruth } from '../reference/types.js';
import { runs } from '../runs.js';
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
import { centredBox, type HeadCase, headCases, teacherCases } from './headCases.js';
import { eachValue, type FormName, restore, store, storeTogether, together } from './headLayouts.js';

const device = await sharedDevice();

type HostNet = ReturnType<typeof randomOutputs>;

function place(sizes: HeadSizes, form: FormName, isTogether: boolean, net: HostNet): HeadOutputs {
  const features = upload(device, sizes, net.features!);
  if (isTogether) return { ...storeTogether(device, sizes, form, net), features };
  return {
    classLogits: store(device, sizes, form, net.classLogits),
    boxLogits: store(device, sizes, form, net.boxLogits),
    features,
  };
}

/** Whether f32 decides about all images as f64 does. */
function areClear(sizes: HeadSizes, { regions }: Recipe, truth: readonly ImageTruth[]): boolean {
  const { topk, octaveScale, centreOffset, ignoreIofThreshold, vlr: form, gamma } = regions;
  const grid = { ...sizes, octaveBaseScale: octaveScale, centreOffset };
  return truth.every((image) => isClear({ ...grid, topk, ignoreIofThreshold, form, gamma, ...image }));
}

/** @param isGiven false: where the student decides about positives, rounding may too, and the case is drawn anew */
async function expectRegions(
  actual: HeadLossResult,
  { regions }: Expected,
  truth: readonly ImageTruth[],
  { hasVlr, usesStudent, isGiven }: { hasVlr: boolean; usesStudent: boolean; isGiven: boolean },
) {
  const firstOf = truth.map((_, image) => truth.slice(0, image).reduce((sum, { boxes }) => sum + boxes.length, 0));
  const owners = regions.flatMap(({ truthIndex }) =>
    Array.from(truthIndex, (own, i) =>
      own < 0 ? -1 : own + firstOf[Math.floor((i * truth.length) / truthIndex.length)],
    ),
  );
  const maps = actual.regions();
  const matched = Array.from(await maps.matched.read());
  // Tests of the assigners tell which of these rounding may decide.
  if (usesStudent && !isGiven) fc.pre(matched.join() === owners.join());
  else expect(matched).toEqual(owners);
  if (usesStudent) {
    const scores = regions.flatMap(({ score }) => Array.from(score));
    expectClose(await maps.score.read(), scores, { absolute: 1e-5 }, 'target scores');
  }
  if (hasVlr) {
    const values = regions.flatMap(({ vlr }) => Array.from(vlr));
    expectClose(await maps.vlr.read(), values, { absolute: 1e-6 }, 'VLR');
  }
  for (const map of [maps.label, maps.matched, maps.weight, maps.score, maps.vlr]) map.dispose();
}

const flat = (levels: readonly ArrayLike<number>[]) => levels.flatMap((level) => Array.from(level));
/** Of sums of f32 products, relative to the largest of its kind. */
const ROUNDING = 2e-5;

/**
 * @param relative of the largest of its kind
 * @param absolute of what cancels
 */
function expectGradient(
  name: string,
  actual: ArrayLike<number>,
  wanted: ArrayLike<number>,
  { relative, absolute = 0 }: { relative: number; absolute?: number },
): void {
  const largest = Array.from(wanted).reduce((most, g) => Math.max(most, Math.abs(g)), 0);
  expectClose(actual, wanted, { absolute: relative * largest + absolute }, `gradient of ${name}`);
}

/** What rounding does to target scores that are overlaps of boxes: 2e-6 of 1, which is more of a low one that a term is weighted by. */
function scoreRounding({ regions }: Expected): number {
  const scores = regions.flatMap(({ score }) => Array.from(score).filter((value) => value > 0));
  return Math.max(ROUNDING, 2e-6 / Math.min(1, ...scores));
}

/** Of features that lie close together compared with their size, or are large beside a temperature; as in featureDistillation.test.ts. */
const FEATURE_ROUNDING = 4e-6;

/** @param isGiven the regions are clear by construction; otherwise a case that is not is drawn anew */
async function expectOracle(given: Partial<HeadCase>, isGiven = true): Promise<void> {
  const { sizes = SIZES, truth = TRUTHS, form = 'pyramid', seed = 1, scale = 2, together: isTogether = false } = given;
  const { distillation = 1, teacher: teacherForm = {} } = given;
  const theirs = teacherSizes(sizes, teacherForm);
  const recipe = resolveRecipe(given.recipe ?? REFERENCE);
  const looksAtBoxes = recipe.imitation.method.startsWith('gibox');
  const student = randomOutputs(sizes, seed, scale);
  const teacher = randomOutputs(theirs, seed + 1000, scale);
  const clear = areClear(sizes, recipe, truth);
  if (isGiven) expect(clear).toBe(true);
  else fc.pre(clear);
  const expected = headLossOracle({ student, teacher, teacherForm, truth, sizes, recipe, distillation });

  const actual = makeHeadLoss(device, sizes, recipe, teacherForm).evaluate({
    student: place(sizes, form, isTogether, student),
    teacher: place(theirs, form, isTogether, teacher),
    truth: uploadTruths(device, sizes, truth),
    distillation,
  });
  const hasVlr = recipe.ld.vlr > 0 || recipe.kd.vlr > 0;
  const usesStudent = recipe.regions.assigner !== 'atss';
  await expectRegions(actual, expected, truth, { hasVlr, usesStudent, isGiven });
  const { imitation } = actual.regions();
  if (imitation && looksAtBoxes) {
    // generalInstances.test.ts tells which of these rounding may decide.
    const mask = expected.regions.flatMap((level) => Array.from(level.imitation));
    fc.pre(mask.join() === Array.from(await imitation.read()).join());
  }
  const { terms, total } = await actual.read();
  const relative = usesStudent ? scoreRounding(expected) : ROUNDING;
  const tolerance = { relative, absolute: 1e-7 };
  const { loss: ofFeatures, gradient: ofTheirGradient } = expected.featureRounding;
  const withFeatures = { ...tolerance, absolute: tolerance.absolute + FEATURE_ROUNDING * ofFeatures };
  for (const name of TERM_NAMES) {
    expectClose(terms[name], expected.terms[name], name === 'loss_im' ? withFeatures : tolerance, name);
  }
  expectClose([total], [expected.total], withFeatures, 'total');

  const { classLogits, boxLogits, features } = actual.gradients;
  const wanted = expected.gradients;
  if (features) {
    const absolute = FEATURE_ROUNDING * ofTheirGradient;
    expectGradient('features', await features.read(), flat(wanted.features), { relative: ROUNDING, absolute });
  }
  if (isTogether) {
    expect(classLogits).toBe(boxLogits);
    const values = await classLogits.read();
    for (const kind of ['classLogits', 'boxLogits'] as const) {
      const own: number[] = [];
      eachValue(sizes, form, together(sizes)[kind], (at) => own.push(values[at]));
      expectGradient(kind, own, flat(wanted[kind]), { relative });
    }
  } else {
    const classGradient = restore(sizes, form, await classLogits.read());
    const boxGradient = restore(sizes, form, await boxLogits.read());
    expectGradient('classLogits', classGradient, flat(wanted.classLogits), { relative });
    expectGradient('boxLogits', boxGradient, flat(wanted.boxLogits), { relative });
  }
  actual.dispose();
}

test('any recipe, sizes, layout and truth', async () => {
  await fc.assert(
    fc.asyncProperty(headCases, (given) => expectOracle(given, false)),
    runs(5),
  );
});

test('any teacher: other bins, centre offset, levels and image size', async () => {
  await fc.assert(
    fc.asyncProperty(teacherCases, (given) => expectOracle(given, false)),
    runs(5),
  );
});

test('bins that stand for the values of any table, and a teacher of the same, another or none', async () => {
  const given = fc
    .tuple(fc.oneof(headCases, teacherCases), tables(SIZES.bins), fc.constantFrom('same', 'other', 'none'), fc.nat(1e6))
    .map(([drawn, projection, kind, seed]): HeadCase => {
      const recipe = resolveRecipe({ ...drawn.recipe, box: { ...drawn.recipe.box, parameters: 'ltrb' } });
      const { bins = SIZES.bins, ...rest } = drawn.teacher ?? {};
      const other = kind === 'other' && bins > 1 ? tableOf(bins, seed) : Array.from({ length: bins }, (_, k) => k);
      const says = kind !== 'same' && bins > 1 ? { projection: other } : {};
      const teacher = { ...rest, ...(bins !== SIZES.bins && { bins }), ...says };
      return { ...drawn, recipe, sizes: { ...drawn.sizes, projection }, teacher };
    });
  await fc.assert(
    fc.asyncProperty(given, (drawn) => expectOracle(drawn, false)),
    runs(5),
  );
});

/** Increasing values, which f32 holds exactly; the first may be below 0. */
function tables(bins: number): fc.Arbitrary<number[]> {
  return fc.nat(1e6).map((seed) => tableOf(bins, seed));
}

function tableOf(bins: number, seed: number): number[] {
  const random = Random.of(seed);
  let value = (random.integer(16) - 8) / 8;
  return Array.from({ length: bins }, () => {
    value += (1 + random.integer(20)) / 8;
    return value;
  });
}

describe('bins that stand for the values of a table', () => {
  const projection = [-0.5, 0.25, 1, 2.5, 6];
  const tabled = { ...SIZES, projection };
  const teachers: TeacherForm[] = [
    {},
    { projection: [0, 1, 2, 3, 4] },
    { projection: [-1, 0.5, 0.75, 3, 9], centreOffset: 0.5 },
    { bins: 33, projection: [...fineGrainedProjection()] },
    { bins: 8 },
    { bins: 1 },
  ];
  const recipes: PartialRecipe[] = [
    resolveRecipe('paper'),
    resolveRecipe('yolov8+ld'),
    resolveRecipe('bckd'),
    resolveRecipe('nanodet-plus+ld'),
  ];
  test.each(recipes)('$name', async (recipe) => {
    for (const teacher of teachers) {
      const ld = { ...recipe.ld, ...(teacher.bins === 1 && { main: 0, vlr: 0, all: 0 }) };
      await expectOracle({ sizes: tabled, recipe: { ...recipe, ld, box: { ...recipe.box, bounded: 0.5 } }, teacher });
    }
  });

  test('IoU distillation of positives, everything at all locations, and ±1e4', async () => {
    const others: Partial<HeadCase>[] = [
      { recipe: DENSE, scale: 1e4 },
      { recipe: { iouLd: { weight: 4, region: 'main' } } },
      { recipe: changed(DENSE, { ld: { weights: 'decoupled', normaliser: 'decoupled' } }) },
    ];
    for (const [i, teacher] of teachers.slice(0, 5).entries()) {
      await expectOracle({ sizes: tabled, recipe: DENSE, teacher });
      await expectOracle({ sizes: tabled, teacher, ...others[i % others.length] });
    }
    await expectOracle({ sizes: tabled, scale: 1e4, recipe: { ...EVERY, imitation: { method: 'gibox', weight: 1 } } });
  });

  test('64 bins, and D-FINE', async () => {
    const table = Array.from({ length: 64 }, (_, k) => k ** 2 / 256);
    await expectOracle({ sizes: { ...SIZES, bins: 64, projection: table }, recipe: EVERY, teacher: { bins: 63 } });
    await expectOracle({ sizes: { ...SIZES, bins: 33, projection: [...fineGrainedProjection()] }, recipe: EVERY });
  });

  test('0 … n − 1 are no table, and one that is nearly so has nearly the same losses', async () => {
    const count = [0, 1, 2, 3, 4];
    const [student, teacher] = [1, 1001].map((seed) => uploadOutputs(device, SIZES, randomOutputs(SIZES, seed, 2)));
    const truth = uploadTruths(device, SIZES, TRUTHS);
    for (const recipe of [EVERY, DENSE]) {
      const [plain, same, near] = [undefined, count, [0, 1, 2, 3, 4 + 1e-6]].map((table) => {
        const loss = makeHeadLoss(device, { ...SIZES, ...(table && { projection: table }) }, recipe);
        expect(loss.projection).toEqual(
          table === undefined || table === count ? null : Array.from(Float32Array.from(table)),
        );
        return loss.evaluate({ student, teacher, truth });
      });
      for (const read of [
        (result: HeadLossResult) => result.terms.read(),
        (result: HeadLossResult) => result.gradients.boxLogits.read(),
      ]) {
        const values = await read(plain);
        expect(await read(same)).toEqual(values);
        const largest = Math.max(...Array.from(values, Math.abs));
        expectClose(await read(near), values, { relative: 2e-5, absolute: 2e-5 * largest }, 'nearly the same');
      }
    }
  });

  test("a teacher of other values is brought into the student's, and one of the same is not", () => {
    const rebinned = (teacher: TeacherForm) => makeHeadLoss(device, tabled, EVERY, teacher).teacher.isRebinned;
    expect(rebinned({})).toBe(false);
    expect(rebinned({ bins: 5 })).toBe(false);
    expect(rebinned({ projection })).toBe(false);
    expect(rebinned({ projection: [0, 1, 2, 3, 4] })).toBe(true);
    expect(rebinned({ bins: 8 })).toBe(true);
    expect(makeHeadLoss(device, SIZES, EVERY, { projection: [0, 1, 2, 3, 4] }).teacher.isRebinned).toBe(false);
  });

  test('a table that does not fit is named', () => {
    const make = (sizes: Partial<HeadSizes>, recipe: PartialRecipe = {}, teacher?: TeacherForm) =>
      makeHeadLoss(device, { ...SIZES, ...sizes }, recipe, teacher);
    expect(() => make({ projection: [0, 1] })).toThrow(
      /^projection: \[0,\s?1\]; expected a list of 5 values, one a bin/,
    );
    expect(() => make({ projection: [0, 1, 1, 2, 3] })).toThrow(/^projection\[2\]: 1; expected finite values/);
    expect(() => make({ projection: [0, 1, 2, 3, Number.NaN] })).toThrow(/^projection\[4\]: NaN/);
    expect(() => make({ bins: 1, projection: [0] })).toThrow(/^projection: a head of one bin/);
    expect(() => make({ projection }, { box: { parameters: 'offset' } })).toThrow(
      /^projection: bins of offset boxes .*leave the table out, or set the parameters of boxes to ltrb/,
    );
    expect(() => make({}, {}, { projection: [0, 1] })).toThrow(/^teacher\.projection: .*; expected a list of 5 values/);
    expect(() => make({}, {}, { bins: 1, projection: [0] })).toThrow(/^teacher\.projection: a head of one bin/);
    expect(() => make({}, { box: { parameters: 'offset' } }, { projection })).toThrow(
      /^teacher\.projection: bins of offset/,
    );
  });
});

test('positives on levels that nothing teaches', async () => {
  const recipe = { iouLd: { weight: 4, region: 'main', weights: 'teacher-score' }, box: { bounded: 0.5 } } as const;
  await expectOracle({ recipe, teacher: { strides: [16, 32], bins: 1 } });
  await expectOracle({ recipe, teacher: { strides: [16, 32], bins: 7, centreOffset: 0.5 } });
});

/** An object of each level, with anchors of two strides. */
const SPREAD: ImageTruth[] = [
  {
    boxes: [
      [38.3, 29.8, 54.5, 46.1],
      [21, 23, 53.3, 55.6],
      [12.6, 4.3, 69.2, 61.4],
    ],
    labels: [1, 3, 0],
  },
  { boxes: [], labels: [] },
];

test('a level that is not taught counts in no sum of distillation', async () => {
  const recipe: PartialRecipe = {
    regions: { octaveScale: 2 },
    ld: { main: 1, vlr: 1, weights: 'none', normaliser: 'weights' },
    kd: { main: 1, vlr: 1, normaliser: 'region' },
  };
  for (const strides of [
    [8, 16],
    [32, 16],
    [8, 32],
  ]) {
    await expectOracle({ recipe, truth: SPREAD, teacher: { strides } });
  }
  const [student, teacher] = [randomOutputs(SIZES, 1, 2), randomOutputs(SIZES, 1001, 2)];
  const { regions } = headLossOracle({ student, teacher, truth: SPREAD, sizes: SIZES, recipe: resolveRecipe(recipe) });
  expect(regions.every(({ state }) => state.includes(1))).toBe(true);
});

/** With these every term counts, two locations of the valuable region are ignored, and a level has no positive. */
const IGNORED: ImageTruth[] = [
  { ...TRUTHS[0], ignore: [[0, 0, 40, 64]] },
  { boxes: [], labels: [] },
];
const EVERY: PartialRecipe = {
  ld: { main: 0.25, vlr: 0.3 },
  kd: { main: 10, vlr: 7 },
  imitation: { method: 'decouple', weight: 2 },
  regions: { vlr: 'paper', ignoreIofThreshold: 0.4 },
};

test.each([0.3, 0])('every distillation term times %d', async (distillation) => {
  await expectOracle({ recipe: { ...EVERY, box: { bounded: 0.5 } }, truth: IGNORED, distillation });
});

/** The same for distillation at all locations. */
const DENSE: PartialRecipe = {
  kd: { all: 2, form: 'focal-binary', beta: 1, temperature: 1, normaliser: 'images' },
  ld: { all: 3, temperature: 2, weights: 'teacher-score', normaliser: 'weights' },
  iouLd: { weight: 4 },
  regions: { vlr: 'paper', ignoreIofThreshold: 0.4 },
};

function changed(base: PartialRecipe, change: PartialRecipe): PartialRecipe {
  return Object.fromEntries(
    Object.entries({ ...base, ...change }).map(([key]) => {
      const section = key as keyof PartialRecipe;
      if (typeof change[section] === 'string') return [section, change[section]];
      return [section, { ...(base[section] as object), ...(change[section] as object) }];
    }),
  );
}

test('clamped weights whose sum is below 1', () =>
  expectOracle({
    recipe: { regions: { topk: 1 }, box: { normaliser: 'clamped-weights' } },
    truth: [
      { boxes: [[21, 23, 53.3, 55.6]], labels: [1] },
      { boxes: [], labels: [] },
    ],
    scale: 0.1,
  }));

test('teacher-bounded boxes without LD', () => expectOracle({ recipe: { box: { bounded: 0.5 } } }));

type Changes = { [Section in keyof Recipe]?: PartialRecipe[Section][] };

/**
 * Recipes that see every change of every section, as few as the longest list has: the k-th takes the k-th of each, from the start
 * again where a list ends. Every term is compared by itself, so none hides another.
 */
function seeing(base: PartialRecipe, changes: Changes): [string, PartialRecipe][] {
  const lists = Object.entries(changes);
  const count = Math.max(...lists.map(([, list]) => list.length));
  return Array.from({ length: count }, (_, k) => {
    const change = Object.fromEntries(lists.map(([section, list]) => [section, list[k % list.length]]));
    return [JSON.stringify(change), changed(base, change)];
  });
}

describe('each field of a recipe', () => {
  const changes: Changes = {
    regions: [
      {},
      { assigner: 'task-aligned' },
      { gamma: 0.9 },
      { assigner: 'dynamic-soft-label' },
      { topk: 4 },
      { octaveScale: 5 },
      { ignoreIofThreshold: -1 },
      { centreOffset: 0.5 },
    ],
    classification: [
      {},
      { loss: 'bce', target: 'assigned' },
      { weight: 3 },
      { target: 'assigned', normaliser: 'scores' },
      { normaliser: 'none' },
      { loss: 'varifocal' },
      { normaliser: 'positives' },
      { loss: 'varifocal', alpha: 0.25, beta: 1, iouWeighted: false },
      { loss: 'bce' },
    ],
    box: [
      {},
      { weights: 'target-score', normaliser: 'scores' },
      { weight: 3 },
      // IoUs of random boxes, whose sum is below 1.
      { weights: 'target-score', normaliser: 'clamped-weights' },
      { bounded: 0.5 },
      { normaliser: 'none' },
      { form: 'ciou-ultralytics' },
      { normaliser: 'positives' },
      { normaliser: 'clamped-weights' },
    ],
    dfl: [{}, { weight: 1 }, { margin: 0.9 }],
    ld: [
      {},
      { weights: 'target-score', normaliser: 'scores' },
      { main: 1 },
      { weights: 'score-difference', normaliser: 'weights' },
      { vlr: 1, normaliser: 'weights' },
      { temperature: 1 },
      { weights: 'none' },
      { normaliser: 'none' },
      { weights: 'teacher-score', normaliser: 'weights' },
      { reduction: 'sum' },
      { normaliser: 'images' },
    ],
    kd: [
      {},
      { normaliser: 'scores' },
      { form: 'focal-binary' },
      { main: 1 },
      { form: 'binary' },
      { vlr: 1 },
      { form: 'focal-binary', beta: 2 },
      { temperature: 5 },
      { normaliser: 'region' },
      { needsPositives: true },
      { normaliser: 'images' },
      { weightPer: 'classes' },
      { normaliser: 'none' },
    ],
    iouLd: [
      {},
      { weight: 4, region: 'main', form: 'ciou', weights: 'target-score', normaliser: 'weights' },
      { weight: 4, region: 'main' },
      { weight: 4, region: 'main', weights: 'none', normaliser: 'scores' },
    ],
    imitation: [
      {},
      { method: 'cwd' },
      { method: 'whole', needsPositives: false },
      { background: 3 },
      { method: 'finegrained' },
      { method: 'gibox' },
      { norm: 'batch' },
      { method: 'gibox-image' },
      { method: 'cwd', temperature: 4 },
      { method: 'pkd' },
      { method: 'cwd', norm: 'batch' },
      { method: 'score-weighted' },
      { method: 'score-weighted', norm: 'batch' },
    ],
    scale: ['none', 'none', 'batch'],
  };
  test.each(seeing(EVERY, changes))('%s', async (_name, recipe) => {
    await expectOracle({ recipe, truth: IGNORED });
  });

  const denseChanges: Changes = {
    regions: [{}, {}, { assigner: 'task-aligned' }],
    classification: [{}, { weight: 0 }, { loss: 'bce' }],
    box: [{}, { weight: 0 }],
    dfl: [{}, { weight: 0 }],
    kd: [
      {},
      { beta: 2 },
      { form: 'binary', temperature: 2 },
      { beta: 1.5, temperature: 3 },
      { normaliser: 'positives' },
      { form: 'binary', weightPer: 'classes' },
      { normaliser: 'scores' },
      { normaliser: 'level' },
      { weightPer: 'classes' },
      { normaliser: 'region' },
      { needsPositives: true },
      { all: 0 },
      { normaliser: 'none' },
    ],
    ld: [
      {},
      { reduction: 'sum' },
      { weights: 'decoupled', normaliser: 'decoupled' },
      { weights: 'score-difference', normaliser: 'weights' },
      { normaliser: 'images' },
      { reduction: 'sum', temperature: 1 },
      { normaliser: 'scores' },
      { weights: 'score-difference' },
      { weights: 'none', normaliser: 'images' },
      { all: 0, vlr: 0.3 },
      { weights: 'decoupled', normaliser: 'images' },
      { normaliser: 'positives' },
      { normaliser: 'none' },
    ],
    iouLd: [
      {},
      { form: 'ciou' },
      { normaliser: 'positives' },
      { weights: 'teacher-score' },
      { normaliser: 'scores' },
      { form: 'ciou-ultralytics' },
      { weights: 'none' },
      { normaliser: 'weights' },
      { needsPositives: true },
      { normaliser: 'none' },
      { weight: 0 },
    ],
    scale: ['none', 'batch'],
  };
  test.each(seeing(DENSE, denseChanges))('at all locations: %s', async (_name, recipe) => {
    await expectOracle({ recipe, truth: IGNORED });
  });

  test.each(['pyramid', 'rows', 'channels', 'backwards'] as const)('at all locations: %s', async (form) => {
    await expectOracle({ recipe: DENSE, truth: IGNORED, form });
    await expectOracle({ recipe: DENSE, truth: IGNORED, form, together: true });
  });

  test('what they need is there', () => {
    const recipe = resolveRecipe(EVERY);
    const [student, teacher] = [randomOutputs(SIZES, 1, 2), randomOutputs(SIZES, 1001, 2)];
    const { regions } = headLossOracle({ student, teacher, truth: IGNORED, sizes: SIZES, recipe });
    expect(regions.some(({ state }) => !state.includes(1))).toBe(true);
    const ignored = regions.flatMap(({ state, vlr }) => Array.from(vlr).filter((_, i) => state[i] === -1));
    expect(ignored.some((value) => value > 0)).toBe(true);
  });
});

describe('features of a teacher with other maps', () => {
  const { width, height } = SIZES;
  const teachers = {
    'twice as large': { imageSize: { width: 2 * width, height: 2 * height } },
    'half again as large, odd': { imageSize: { width: 145, height: 97 }, levels: 'nearest' as const },
    'levels in another order, and one more': { strides: [32, 16, 8, 64] },
    'one level': { strides: [16] },
  };
  const methods = ['whole', 'cwd', 'pkd', 'score-weighted'] as const;
  test.each(
    Object.entries(teachers).flatMap(([name, teacher]) => methods.map((method) => [name, method, teacher] as const)),
  )('%s, %s', async (_name, method, teacher) => {
    const imitation = { method, weight: 2, needsPositives: false };
    await expectOracle({ recipe: { imitation }, teacher });
    if (method !== 'pkd') await expectOracle({ recipe: { imitation: { ...imitation, norm: 'batch' } }, teacher });
  });
});

describe('what an assignment may meet', () => {
  test('of two boxes that are the same, or mirror images about an anchor, the first has the location', async () => {
    const [box, left, right] = [
      centredBox(48, 32, 40, 30),
      centredBox(12, 24, 24, 30),
      centredBox(20, 24, 24, 30),
    ] as const;
    await expectOracle({ truth: [{ boxes: [box, box], labels: [3, 1] }, TRUTHS[1]] });
    await expectOracle({
      truth: [
        { boxes: [left, right], labels: [2, 0] },
        { boxes: [right, left], labels: [2, 0] },
      ],
    });
  });

  test("a location whose DIoU is the threshold belongs to the paper's valuable region", async () => {
    // One candidate on each of two levels, both of IoU ½ and at the box's centre: t = ½ = DIoU.
    const sizes = { ...SIZES, strides: [8, 16], batch: 1 };
    const truth = [{ boxes: [centredBox(48, 32, 64, 128)], labels: [1] }];
    const recipe = { ...EVERY, regions: { vlr: 'paper', topk: 1 } } as const;
    await expectOracle({ sizes, truth, recipe });
    const [student, teacher] = [randomOutputs(sizes, 1, 2), randomOutputs(sizes, 1001, 2)];
    const { terms } = headLossOracle({ student, teacher, truth, sizes, recipe: resolveRecipe(recipe) });
    expect(terms.loss_ld_vlr.every((term) => term > 0)).toBe(true);
  });

  test('one candidate alone has no threshold, so nothing is positive or valuable', async () => {
    const sizes = { ...SIZES, strides: [16] };
    await expectOracle({ sizes, recipe: { ...EVERY, regions: { topk: 1 } } });
  });

  test('no boxes at all', async () => {
    const truth = TRUTHS.map(() => ({ boxes: [], labels: [] }));
    await expectOracle({ truth, recipe: EVERY });
  });

  test('a level of whole quads that begins within a quad', async () => {
    const sizes = { ...SIZES, width: 40, height: 40, strides: [8, 10, 20], batch: 1 };
    await expectOracle({ sizes, truth: [{ boxes: [[4.3, 6.1, 33.7, 35.2]], labels: [2] }] });
  });

  test('the fewest bins', async () => {
    await expectOracle({ sizes: { ...SIZES, bins: 2 }, recipe: EVERY });
    await expectOracle({ sizes: { ...SIZES, bins: 2 }, recipe: DENSE });
  });

  test('no boxes at all, at all locations', async () => {
    const truth = TRUTHS.map(() => ({ boxes: [], labels: [] }));
    await expectOracle({ truth, recipe: DENSE });
    await expectOracle({ truth, recipe: changed(DENSE, { ld: { weights: 'decoupled', normaliser: 'decoupled' } }) });
  });

  test('one bin at all locations, and a teacher of more', async () => {
    const recipe = changed(DENSE, { ld: { all: 0 } });
    await expectOracle({ sizes: { ...SIZES, bins: 1 }, recipe, scale: 3 });
    await expectOracle({ sizes: { ...SIZES, bins: 1 }, recipe, scale: 3, teacher: { bins: 5 } });
    await expectOracle({ recipe, teacher: { bins: 1 } });
  });

  test.each(['atss', 'task-aligned', 'dynamic-soft-label'] as const)(
    'one bin: no distributions, %s',
    async (assigner) => {
      const recipe: PartialRecipe = {
        ...resolveRecipe('yolov8'),
        name: 'yolo26',
        regions: { assigner, centreOffset: 0.5 },
        taskAligned: { smallTargets: true },
        kd: { main: 2, form: 'binary' },
        box: { ...resolveRecipe('yolov8').box, bounded: 0.5 },
      };
      await expectOracle({ sizes: { ...SIZES, bins: 1 }, recipe, scale: 3 });
    },
  );

  test('one bin has nothing to distil', () => {
    expect(() => makeHeadLoss(device, { ...SIZES, bins: 1 }, 'yolov8+ld')).toThrow(
      /ld distils distributions, and a head of one bin has none; set ld\.main, ld\.vlr and ld\.all to 0/,
    );
  });

  test('logits of ±1e4, and of a teacher with another head', async () => {
    await expectOracle({ scale: 1e4 });
    await expectOracle({ scale: 1e4, recipe: DENSE });
    const teacher = { bins: 8, centreOffset: 0.5, strides: [12, 24] };
    await expectOracle({ scale: 1e4, teacher });
    await expectOracle({ scale: 1e4, recipe: DENSE, teacher });
  });
});
