import { describe, expect, test } from 'vitest';
import type { TermName } from '../../src/losses/headTerms.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { expectClose } from './closeTo.js';
import { type HeadLossInput, headLossOracle } from './headLoss.js';
import type { LevelRegions } from './headRegions.js';
import { noise } from './noise.js';
import type { TeacherForm } from './rebin.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from './types.js';

const sizes: HeadSizes = { width: 96, height: 64, strides: [8, 16, 32], batch: 2, classes: 3, bins: 6 };
const channels = 4;
const cells = [96, 24, 6];

function outputs(seed: number, bins = sizes.bins): HeadOutputs & { features: Float64Array[] } {
  const level = (width: number, at: number) => cells.map((n, l) => noise(seed + 10 * l + at, sizes.batch * width * n));
  return { classLogits: level(3, 1), boxLogits: level(4 * bins, 2), features: level(channels, 3) };
}

const truth: ImageTruth[] = [
  {
    boxes: [
      [11.3, 7.9, 71.2, 60.4],
      [30.1, 20.7, 61.9, 44.6],
    ],
    labels: [2, 0],
  },
  // Small and off the lattice: no positive at all, but still a valuable region.
  { boxes: [[81.2, 49.1, 85.9, 54.3]], labels: [1], ignore: [[0, 0, 60, 60]] },
];

/** Every term has a weight. */
const EVERY: PartialRecipe = {
  ...resolveRecipe('reference'),
  ld: { main: 0.25, vlr: 0.3 },
  kd: { main: 10, vlr: 3 },
  imitation: { method: 'finegrained', weight: 2 },
};

function input(recipe: PartialRecipe = EVERY): HeadLossInput & { student: ReturnType<typeof outputs> } {
  return { student: outputs(100), teacher: outputs(200), truth, sizes, recipe: resolveRecipe(recipe) };
}

/** The gradient at these entries of the array, against the central difference of the total in a direction that moves all of them. */
function checkGradient(
  base: ReturnType<typeof input>,
  kind: 'classLogits' | 'boxLogits' | 'features',
  level: number,
  entries: number[],
): void {
  const { gradients } = headLossOracle(base);
  const step = 1e-5;
  const direction = noise(300 + level, entries.length);
  const shifted = (by: number) => {
    const values = Float64Array.from(base.student[kind]![level]);
    entries.forEach((entry, i) => {
      values[entry] += by * direction[i];
    });
    const arrays = base.student[kind]!.map((array, l) => (l === level ? values : array));
    return headLossOracle({ ...base, student: { ...base.student, [kind]: arrays } }).total;
  };
  const numeric = (shifted(step) - shifted(-step)) / (2 * step);
  const slope = entries.reduce((sum, entry, i) => sum + gradients[kind][level][entry] * direction[i], 0);
  expectClose([slope], [numeric], { absolute: 1e-8, relative: 1e-6 }, `slope of ${kind}, level ${level}`);
}

/** Entries of [B, width, cells] at the locations that the predicate selects, a few of each. */
function entriesAt(selected: ArrayLike<number>, width: number, limit: number): number[] {
  const n = selected.length / sizes.batch;
  const locations = Array.from(selected).flatMap((is, index) => (is > 0 ? [index] : []));
  return locations.slice(0, limit).flatMap((index) => {
    return Array.from({ length: width }, (_, c) => (Math.floor(index / n) * width + c) * n + (index % n));
  });
}

describe.each<[string, PartialRecipe]>([
  ['reference', EVERY],
  [
    'binary KD, CIoU, offset boxes, paper VLR, beta 1.5, background 3',
    {
      ...EVERY,
      regions: { vlr: 'paper' },
      kd: { ...EVERY.kd, form: 'binary' },
      box: { form: 'ciou', parameters: 'offset' },
      classification: { beta: 1.5 },
      imitation: { method: 'decouple', weight: 2, background: 3 },
    },
  ],
  ['channel-wise distillation after batch norm', { ...EVERY, imitation: { method: 'cwd', weight: 2, norm: 'batch' } }],
  ['PKD', { ...EVERY, imitation: { method: 'pkd', weight: 6 } }],
  ['score-weighted', { ...EVERY, imitation: { method: 'score-weighted', weight: 6 } }],
])('gradients: %s', (_, recipe) => {
  // The classification loss holds the IoU target fixed, so it must be off where box logits move; and the box terms hold
  // the positives' scores fixed, so they must be off where class logits move.
  const boxes = input({ ...recipe, classification: { weight: 0 } });
  const box = { ...recipe.box, weight: 0 };
  const classes = input({ ...recipe, box, dfl: { weight: 0 }, ld: { ...recipe.ld, main: 0 } });
  const { regions } = headLossOracle(boxes);
  const positives = regions.map(({ state }) => state.map((s) => (s === 1 ? 1 : 0)));

  test.each([0, 1, 2])('level %i', (level) => {
    const { vlr, imitation } = regions[level];
    checkGradient(boxes, 'boxLogits', level, entriesAt(positives[level], 24, 2));
    checkGradient(boxes, 'boxLogits', level, entriesAt(vlr, 24, 1));
    checkGradient(classes, 'classLogits', level, entriesAt(positives[level], 3, 3));
    checkGradient(classes, 'classLogits', level, entriesAt(vlr, 3, 3));
    checkGradient(classes, 'classLogits', level, [0, 7]);
    checkGradient(boxes, 'features', level, entriesAt(imitation, channels, 2).concat(0, 5));
  });

  test('the case has what it is meant to test', () => {
    const some = positives.map((level) => level.includes(1));
    expect(some).toContain(true);
    expect(some).toContain(false);
    expect(regions.some(({ vlr }) => vlr.some((v) => v > 0))).toBe(true);
  });
});

describe.each<[string, TeacherForm]>([
  ['of the same table', {}],
  ['of another table', { projection: [-1, 0.2, 0.7, 2, 5, 5.5] }],
  ['of bins 0 to 7', { bins: 8 }],
])('gradients where bins stand for the values of a table, and a teacher %s', (_, teacherForm) => {
  const recipe: PartialRecipe = {
    ...EVERY,
    classification: { weight: 0 },
    ld: { ...EVERY.ld, weights: 'none' },
    iouLd: { weight: 2, weights: 'none' },
  };
  const given = input(recipe);
  const teacher = outputs(200, teacherForm.bins);
  const base = { ...given, teacher, teacherForm, sizes: { ...sizes, projection: [-0.5, 0.3, 1, 1.5, 3.25, 7] } };
  const { regions } = headLossOracle(base);

  test.each([0, 1])('level %i', (level) => {
    checkGradient(base, 'boxLogits', level, entriesAt(regions[level].state.map(Math.abs), 24, 2));
    checkGradient(base, 'boxLogits', level, [0, 50, 77]);
  });
});

describe('terms', () => {
  test('a level without positives has only the terms that need none', () => {
    const { terms, regions } = headLossOracle(input());
    regions.forEach(({ state, vlr }, l) => {
      const positive = state.includes(1);
      for (const term of ['loss_bbox', 'loss_dfl', 'loss_ld', 'loss_kd', 'loss_im'] as const) {
        expect(terms[term][l] > 0, `${term} of level ${l}`).toBe(positive);
      }
      expect(terms.loss_ld_vlr[l] > 0).toBe(vlr.some((v) => v > 0));
      expect(terms.loss_cls[l]).toBeGreaterThan(0);
    });
  });

  test('an image without positives counts as one sample', () => {
    const { normalisers, regions } = headLossOracle(input());
    const positives = regions.flatMap(({ state, level }) => Array.from(state.slice(0, level.anchors.length)));
    const rest = regions.flatMap(({ state, level }) => Array.from(state.slice(level.anchors.length)));
    expect(rest.includes(1)).toBe(false);
    expect(normalisers.samples).toBe(positives.filter((s) => s === 1).length + 1);
  });

  test('without ground truth there is only the classification loss, over one sample an image', () => {
    const empty = [
      { boxes: [], labels: [] },
      { boxes: [], labels: [] },
    ];
    const { terms, total, normalisers } = headLossOracle({ ...input(), truth: empty });
    expect(normalisers).toEqual({ samples: 2, weightSum: 1e-6, scoreSum: 0 });
    expect(total).toBeCloseTo(
      terms.loss_cls.reduce((a, b) => a + b),
      12,
    );
  });

  test('a student like its teacher has no distillation loss; without a teacher neither', () => {
    const base = input();
    for (const teacher of [base.student, undefined]) {
      const { terms } = headLossOracle({ ...base, teacher });
      for (const term of ['loss_ld', 'loss_ld_vlr', 'loss_kd', 'loss_kd_neg', 'loss_im'] as const) {
        expect(terms[term], term).toEqual([0, 0, 0]);
      }
      expect(terms.loss_bbox[0]).toBeGreaterThan(0);
    }
  });

  test('ignored locations have no gradient of class logits; the same ones without the threshold have', () => {
    const ignored = headLossOracle(input({ ...EVERY, regions: { vlr: 'reference', ignoreIofThreshold: 0.5 } }));
    const plain = headLossOracle(input());
    let count = 0;
    ignored.regions.forEach(({ state, level }, l) => {
      const n = level.anchors.length;
      state.forEach((s, index) => {
        if (s !== -1) return;
        count++;
        const at = (Math.floor(index / n) * 3 + 1) * n + (index % n);
        expect(ignored.gradients.classLogits[l][at]).toBe(0);
        expect(plain.gradients.classLogits[l][at]).not.toBe(0);
      });
    });
    expect(count).toBeGreaterThan(0);
  });

  /** The terms of a recipe over those of EVERY, level by level, where these are not 0. */
  function ratios(recipe: PartialRecipe): Record<string, number[]> {
    const [terms, base] = [headLossOracle(input({ ...EVERY, ...recipe })).terms, headLossOracle(input()).terms];
    return Object.fromEntries(
      Object.entries(terms).map(([name, levels]) => [
        name,
        levels.map((value, l) => value / base[name as TermName][l]).filter((ratio) => !Number.isNaN(ratio)),
      ]),
    );
  }
  const expectRatio = (values: number[], ratio: number) =>
    expectClose(values, new Array(values.length).fill(ratio), { relative: 1e-12 });

  test('terms are proportional to their weights', () => {
    const twice = ratios({
      classification: { weight: 2 },
      box: { weight: 4 },
      dfl: { weight: 0.5 },
      ld: { main: 0.5, vlr: 0.6 },
      kd: { main: 20, vlr: 6 },
      imitation: { method: 'finegrained', weight: 4 },
    });
    for (const values of Object.values(twice)) expectRatio(values, 2);
  });

  test('normalisers divide by what they say', () => {
    const { normalisers, regions } = headLossOracle(input());
    const { samples, weightSum } = normalisers;
    const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
    const count = (wanted: (level: LevelRegions) => ArrayLike<number>) =>
      regions.map((level) => Array.from(wanted(level)).filter((value) => value > 0).length);
    const [positives, valuable] = [count(({ state }) => state), count(({ vlr }) => vlr)];
    const vlrSum = sum(regions.map(({ vlr }) => sum(vlr))) + 1e-6;

    expectRatio(ratios({ classification: { normaliser: 'none' } }).loss_cls, samples);
    expectRatio(ratios({ classification: { normaliser: 'positives' } }).loss_cls, samples / sum(positives));
    for (const term of ['loss_bbox', 'loss_dfl']) {
      expectRatio(ratios({ box: { normaliser: 'none' } })[term], weightSum);
      expectRatio(ratios({ box: { normaliser: 'positives' } })[term], weightSum / sum(positives));
    }
    const ld = (normaliser: 'weights' | 'none') => ratios({ ld: { ...EVERY.ld, normaliser } });
    expectRatio(ld('none').loss_ld, 4);
    expectRatio(ld('none').loss_ld_vlr, 16);
    expectRatio(ld('weights').loss_ld, 1 / weightSum);
    expectRatio(ld('weights').loss_ld_vlr, 4 / vlrSum);
    const kd = (normaliser: 'region' | 'none') => ratios({ kd: { ...EVERY.kd, normaliser } });
    const some = (counts: number[]) => counts.filter((n) => n > 0);
    const close = { relative: 1e-12 };
    expectClose(kd('none').loss_kd, some(positives), close);
    expectClose(kd('none').loss_kd_neg, some(valuable), close);
    expectClose(
      kd('region').loss_kd,
      some(positives).map((n) => n / sum(positives)),
      close,
    );
    expectClose(
      kd('region').loss_kd_neg,
      some(valuable).map((n) => n / sum(valuable)),
      close,
    );
  });

  test('imitation without need of positives has a term on every level with a region', () => {
    const imitation = { method: 'whole', weight: 2, needsPositives: false } as const;
    const { terms, regions } = headLossOracle(input({ ...EVERY, imitation }));
    expect(regions.some(({ state }) => !state.includes(1))).toBe(true);
    for (const term of terms.loss_im) expect(term).toBeGreaterThan(0);
  });

  test('the background of decoupled imitation counts as often as it says', () => {
    const decouple = (background: number) => {
      const imitation = { method: 'decouple', weight: 2, background } as const;
      return headLossOracle(input({ ...EVERY, imitation })).terms.loss_im[0];
    };
    expect(decouple(3) - decouple(1)).toBeCloseTo(2 * (decouple(1) - decouple(0)), 10);
    expect(decouple(1)).toBeGreaterThan(decouple(0));
  });
});
