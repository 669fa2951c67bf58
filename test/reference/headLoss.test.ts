import { describe, expect, test } from 'vitest';
import { expectClose } from './closeTo.js';
import { type HeadLossInput, headLossOracle } from './headLoss.js';
import { type HeadLossSettings, referenceSettings, type Term } from './headLossSettings.js';
import { noise } from './noise.js';
import type { HeadOutputs, ImageTruth } from './types.js';

const sizes = { width: 96, height: 64, strides: [8, 16, 32], batch: 2, classes: 3, bins: 6 };
const channels = 4;
const cells = [96, 24, 6];

function outputs(seed: number): HeadOutputs & { features: Float64Array[] } {
  const level = (width: number, at: number) => cells.map((n, l) => noise(seed + 10 * l + at, sizes.batch * width * n));
  return { classLogits: level(3, 1), boxLogits: level(24, 2), features: level(channels, 3) };
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

function input(
  changes: Parameters<typeof referenceSettings>[1] = {},
): HeadLossInput & { student: ReturnType<typeof outputs> } {
  return { student: outputs(100), teacher: outputs(200), truth, settings: referenceSettings(sizes, changes) };
}

const every: Record<Term, number> = {
  loss_cls: 1,
  loss_bbox: 2,
  loss_dfl: 0.25,
  loss_ld: 0.25,
  loss_ld_vlr: 0.3,
  loss_kd: 10,
  loss_kd_neg: 3,
  loss_im: 2,
};

/** The gradient at `count` entries of the array, against central differences of the total. */
function checkGradient(
  base: ReturnType<typeof input>,
  kind: 'classLogits' | 'boxLogits' | 'features',
  level: number,
  entries: number[],
): void {
  const { gradients } = headLossOracle(base);
  const step = 1e-5;
  for (const entry of entries) {
    const shifted = (by: number) => {
      const values = Float64Array.from(base.student[kind]![level]);
      values[entry] += by;
      const arrays = base.student[kind]!.map((array, l) => (l === level ? values : array));
      return headLossOracle({ ...base, student: { ...base.student, [kind]: arrays } }).total;
    };
    const numeric = (shifted(step) - shifted(-step)) / (2 * step);
    expectClose([gradients[kind][level][entry]], [numeric], { absolute: 1e-8, relative: 1e-6 }, `${kind} ${entry}`);
  }
}

/** Entries of [B, width, cells] at the locations that the predicate selects, a few of each. */
function entriesAt(selected: ArrayLike<number>, width: number, limit: number): number[] {
  const n = selected.length / sizes.batch;
  const locations = Array.from(selected).flatMap((is, index) => (is > 0 ? [index] : []));
  return locations.slice(0, limit).flatMap((index) => {
    return Array.from({ length: width }, (_, c) => (Math.floor(index / n) * width + c) * n + (index % n));
  });
}

describe.each<[string, Partial<HeadLossSettings>]>([
  ['reference', {}],
  [
    'binary KD, CIoU, paper VLR, beta 1.5',
    {
      kdForm: 'binary',
      boxLoss: 'ciou',
      vlr: { form: 'paper', gamma: 0.25 },
      beta: 1.5,
      imitation: { method: 'decouple', giboxScope: 'batch' },
    },
  ],
])('gradients: %s', (_, changes) => {
  // The classification loss holds the IoU target fixed, so it must be off where box logits move; and the box terms hold
  // the positives' scores fixed, so they must be off where class logits move.
  const boxes = input({ ...changes, weights: { ...every, loss_cls: 0 } });
  const classes = input({ ...changes, weights: { ...every, loss_bbox: 0, loss_dfl: 0, loss_ld: 0 } });
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

describe('terms', () => {
  test('a level without positives has only the terms that need none', () => {
    const { terms, regions } = headLossOracle(input({ weights: every }));
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
    const { terms, total, normalisers } = headLossOracle({ ...input({ weights: every }), truth: empty });
    expect(normalisers).toEqual({ samples: 2, weightSum: 1e-6 });
    expect(total).toBeCloseTo(
      terms.loss_cls.reduce((a, b) => a + b),
      12,
    );
  });

  test('a student like its teacher has no distillation loss; without a teacher neither', () => {
    const base = input({ weights: every });
    for (const teacher of [base.student, undefined]) {
      const { terms } = headLossOracle({ ...base, teacher });
      for (const term of ['loss_ld', 'loss_ld_vlr', 'loss_kd', 'loss_kd_neg', 'loss_im'] as const) {
        expect(terms[term], term).toEqual([0, 0, 0]);
      }
      expect(terms.loss_bbox[0]).toBeGreaterThan(0);
    }
  });

  test('ignored locations have no gradient of class logits; the same ones without the threshold have', () => {
    const base = input({ ignoreIofThreshold: 0.5, weights: every });
    const ignored = headLossOracle(base);
    const plain = headLossOracle(input({ weights: every }));
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

  test('terms are proportional to their weights and inversely to the divisors', () => {
    const once = headLossOracle(input({ weights: every }));
    const doubled = Object.fromEntries(Object.entries(every).map(([term, weight]) => [term, 2 * weight]));
    const twice = headLossOracle(input({ weights: doubled, ldDivisor: 8, ldVlrDivisor: 8 }));
    for (const [term, values] of Object.entries(twice.terms)) {
      const factor = term === 'loss_ld' ? 1 : term === 'loss_ld_vlr' ? 4 : 2;
      expectClose(
        values,
        once.terms[term as Term].map((v) => factor * v),
        { relative: 1e-12 },
        term,
      );
    }
  });
});
