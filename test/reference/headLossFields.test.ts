/** The fields of a recipe that name another head: assigners, class losses, weights, normalisers. */
import { describe, expect, test } from 'vitest';
import type { PartialRecipe, Recipe } from '../../src/losses/recipe.js';
import { bce, type LogitLoss, varifocal } from './classLosses.js';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { type HeadLossInput, type HeadLossResult, headLossOracle } from './headLoss.js';
import type { LevelRegions } from './headRegions.js';
import { noise } from './noise.js';
import { qualityFocalLoss } from './qualityFocal.js';
import { recipeOf } from './recipeOf.js';
import type { GivenAssignment, HeadSizes, ImageTruth } from './types.js';

const sizes: HeadSizes = { width: 64, height: 48, strides: [8, 16], batch: 2, classes: 2, bins: 5 };
const cells = [48, 12];
const outputs = (seed: number) => ({
  classLogits: cells.map((n, l) => noise(seed + l, 2 * 2 * n)),
  boxLogits: cells.map((n, l) => noise(seed + 10 + l, 2 * 20 * n)),
});
const [student, teacher] = [outputs(100), outputs(200)];
const truth: ImageTruth[] = [
  {
    boxes: [
      [5.3, 4.9, 49.2, 41.4],
      [20.1, 9.7, 40.9, 34.6],
    ],
    labels: [1, 0],
  },
  { boxes: [[13.2, 10.1, 45.9, 38.3]], labels: [1], ignore: [[-40, -40, 40, 90]] },
];

/** GFocal with LD and KD and anchors of four strides. */
const base = recipeOf({ regions: { octaveScale: 4 }, ld: { main: 0.25, vlr: 0.25 }, kd: { main: 1 } });
const evaluate = (changes: PartialRecipe, other: Partial<HeadLossInput> = {}) =>
  headLossOracle({ student, teacher, truth, sizes, ...other, recipe: recipeOf(changes, base) });

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
const all = (regions: readonly LevelRegions[], part: 'state' | 'score' | 'vlr') =>
  regions.flatMap((level) => Array.from(level[part]));

/** The assignment of a result, as a caller would give it. */
function givenOf({ regions }: HeadLossResult, withVlr = true): GivenAssignment[] {
  return truth.map((_, image) => {
    const join = (part: 'state' | 'label' | 'truthIndex' | 'score' | 'vlr') =>
      regions.flatMap((region) => {
        const size = region.level.anchors.length;
        return Array.from(region[part].slice(image * size, (image + 1) * size));
      });
    return {
      state: Int8Array.from(join('state')),
      label: Int32Array.from(join('label')),
      truthIndex: Int32Array.from(join('truthIndex')),
      score: Float64Array.from(join('score')),
      vlr: withVlr ? Float64Array.from(join('vlr')) : undefined,
    };
  });
}

function expectSame(actual: HeadLossResult, expected: HeadLossResult): void {
  expectClose([actual.total], [expected.total], { relative: 1e-12 }, 'total');
  for (const kind of ['classLogits', 'boxLogits'] as const) {
    actual.gradients[kind].forEach((level, l) => {
      expectClose(level, expected.gradients[kind][l], { absolute: 1e-14 }, `${kind} of level ${l}`);
    });
  }
}

const ASSIGNERS = ['atss', 'task-aligned', 'dynamic-soft-label'] as const;
/** Nothing that a logit moves is held fixed but the assignment. */
const FIXED: PartialRecipe = {
  classification: { target: 'assigned', normaliser: 'scores' },
  box: { weights: 'target-score', normaliser: 'scores' },
  ld: { weights: 'target-score', normaliser: 'scores' },
  scale: 'batch',
};

describe.each(ASSIGNERS)('%s', (assigner) => {
  const regions = { assigner, centreOffset: 0.5 };
  const changes = { ...FIXED, regions };
  const result = evaluate(changes);

  test('the case has positives, and a VLR that is that of ATSS', () => {
    expect(result.regions[0].state.includes(1)).toBe(true);
    const atss = evaluate({ regions: { centreOffset: 0.5 } });
    expect(all(result.regions, 'vlr')).toEqual(all(atss.regions, 'vlr'));
    expect(sum(all(result.regions, 'vlr'))).toBeGreaterThan(0);
  });

  test('given as the caller’s, the assignment gives the same losses and gradients', () => {
    const given = { ...FIXED, regions: { assigner: 'given', centreOffset: 0.5 } } as const;
    expectSame(evaluate(given, { given: givenOf(result) }), result);
    const without = evaluate(given, { given: givenOf(result, false) });
    expect(sum(without.terms.loss_ld_vlr)).toBe(0);
    expectClose(without.terms.loss_ld, result.terms.loss_ld, { relative: 1e-12 });
  });

  test.each(['bce', 'varifocal', 'qfl'] as const)('gradients with %s are central differences', (loss) => {
    const classification = { ...FIXED.classification, loss, beta: 1.5 };
    const given = { ...FIXED, classification, regions: { assigner: 'given', centreOffset: 0.5 } } as const;
    const assignment = givenOf(result);
    const expected = evaluate({ ...changes, classification }).gradients;
    const place = result.regions[0].state.indexOf(1);
    const entries = (width: number) =>
      Array.from({ length: width }, (_, c) => (Math.floor(place / 48) * width + c) * 48 + (place % 48));
    for (const [kind, width] of [
      ['classLogits', 2],
      ['boxLogits', 20],
    ] as const) {
      // The entries of one positive and some more.
      const tried = [...new Set([...entries(width), 0, 19, 100])];
      const values = student[kind][0];
      const numeric = centralDifferences(
        (moved) => {
          const level = Float64Array.from(values);
          tried.forEach((entry, i) => {
            level[entry] = moved[i];
          });
          return evaluate(given, { student: { ...student, [kind]: [level, student[kind][1]] }, given: assignment })
            .total;
        },
        tried.map((entry) => values[entry]),
      );
      const actual = tried.map((entry) => expected[kind][0][entry]);
      expectClose(actual, numeric, { absolute: 1e-8, relative: 1e-6 }, kind);
    }
  });

  test('ignored locations learn no class; positives are not among them', () => {
    const ignored = evaluate({ ...changes, regions: { ...regions, ignoreIofThreshold: 0.5 } });
    const states = all(ignored.regions, 'state');
    expect(states).toContain(-1);
    all(result.regions, 'state').forEach((state, i) => {
      if (assigner !== 'atss' && state === 1) expect(states[i]).toBe(1);
    });
    ignored.regions.forEach(({ state, level }, l) => {
      const n = level.anchors.length;
      state.forEach((s, index) => {
        if (s !== -1) return;
        const at = Math.floor(index / n) * 2 * n + (index % n);
        expect(ignored.gradients.classLogits[l][at]).toBe(0);
      });
    });
  });
});

test.each([1, 1.5, 2])('at all locations gradients are central differences, β = %d', (beta) => {
  // The teacher's scores are held fixed by themselves, so that all that moves with a logit has a gradient.
  const changes: PartialRecipe = {
    classification: { weight: 0 },
    box: { weight: 0 },
    dfl: { weight: 0 },
    kd: { main: 0, all: 2, form: 'focal-binary', beta, temperature: 1.5, normaliser: 'images' },
    ld: { main: 0, vlr: 0, all: 3, weights: 'teacher-score', normaliser: 'weights', reduction: 'sum', temperature: 2 },
    iouLd: { weight: 4, weights: 'teacher-score', normaliser: 'weights' },
  };
  const { terms, gradients } = evaluate(changes);
  for (const name of ['loss_kd', 'loss_ld', 'loss_ld_iou'] as const) expect(sum(terms[name])).toBeGreaterThan(0);
  for (const kind of ['classLogits', 'boxLogits'] as const) {
    const tried = [0, 19, 100, 190];
    const values = student[kind][0];
    const numeric = centralDifferences(
      (moved) => {
        const level = Float64Array.from(values);
        tried.forEach((entry, i) => {
          level[entry] = moved[i];
        });
        return evaluate(changes, { student: { ...student, [kind]: [level, student[kind][1]] } }).total;
      },
      tried.map((entry) => values[entry]),
    );
    const actual = tried.map((entry) => gradients[kind][0][entry]);
    expectClose(actual, numeric, { absolute: 1e-8, relative: 1e-6 }, kind);
  }
});

test('the target score of ATSS is the IoU target; another assigner’s need not be', () => {
  const classOnly = { box: { weight: 0 }, dfl: { weight: 0 }, ld: { main: 0, vlr: 0 }, kd: { main: 0 } };
  const by = (assigner: (typeof ASSIGNERS)[number], target: 'iou' | 'assigned') =>
    evaluate({ ...classOnly, regions: { assigner }, classification: { target } }).total;
  for (const assigner of ['atss', 'dynamic-soft-label'] as const) {
    expect(by(assigner, 'assigned')).toBeCloseTo(by(assigner, 'iou'), 12);
  }
  expect(Math.abs(by('task-aligned', 'assigned') - by('task-aligned', 'iou'))).toBeGreaterThan(1e-3);
});

test('vlr none: no location, and nothing else changes', () => {
  const [none, paper] = [evaluate({ regions: { vlr: 'none' } }), evaluate({})];
  expect(sum(none.terms.loss_ld_vlr)).toBe(0);
  expect(sum(paper.terms.loss_ld_vlr)).toBeGreaterThan(0);
  for (const term of ['loss_cls', 'loss_bbox', 'loss_dfl', 'loss_ld', 'loss_kd'] as const) {
    expect(none.terms[term]).toEqual(paper.terms[term]);
  }
});

test('class losses without objects are sums over all logits, with the exponents and factors of the recipe', () => {
  const nothing = { truth: truth.map(() => ({ boxes: [], labels: [] })) };
  const logits = student.classLogits.flatMap((level) => Array.from(level));
  const by = (classification: PartialRecipe['classification']) =>
    sum(evaluate({ classification: { normaliser: 'none', weight: 1, ...classification } }, nothing).terms.loss_cls);
  const of = (loss: (logit: number) => LogitLoss) => sum(logits.map((logit) => loss(logit).loss));
  const [beta, alpha] = [1.5, 0.6];
  expect(by({ loss: 'bce', beta, alpha })).toBeCloseTo(
    of((z) => bce(z, 0)),
    9,
  );
  expect(by({ loss: 'varifocal', beta, alpha })).toBeCloseTo(
    of((z) => varifocal(z, 0, { alpha, gamma: beta })),
    9,
  );
  expect(by({ loss: 'qfl', beta, alpha })).toBeCloseTo(
    of((z) => qualityFocalLoss(z, 0, beta)),
    9,
  );
});

test('varifocal loss weighs a positive by its target or by 1', () => {
  const by = (iouWeighted: boolean) => evaluate({ classification: { loss: 'varifocal', iouWeighted } });
  // KD's gradient is the same in both and goes by a difference.
  const [weighted, plain, kd] = [by(true), by(false), evaluate({ classification: { weight: 0 } })];
  expect(all(plain.regions, 'state')).toContain(1);
  plain.regions.forEach(({ state, score, label, level }, l) => {
    const n = level.anchors.length;
    state.forEach((s, index) => {
      if (s !== 1) return;
      const at = (Math.floor(index / n) * 2 + label[index]) * n + (index % n);
      const [a, b, without] = [weighted, plain, kd].map(({ gradients }) => gradients.classLogits[l][at]);
      expect((a - without) / (b - without)).toBeCloseTo(score[index], 9);
    });
  });
});

test('normalisers divide by the sum of scores or weights, but at least by 1', () => {
  const ratio = (
    a: PartialRecipe,
    b: PartialRecipe,
    term: keyof HeadLossResult['terms'],
    other: Partial<HeadLossInput> = {},
  ) => sum(evaluate(a, other).terms[term]) / sum(evaluate(b, other).terms[term]);
  const { scoreSum, weightSum } = evaluate({}).normalisers;
  expect(scoreSum).toBeGreaterThan(1);
  expect(weightSum).toBeGreaterThan(1);
  const to = (normaliser: 'scores' | 'none') => ({
    classification: { normaliser },
    box: { normaliser },
    ld: { normaliser },
  });
  for (const term of ['loss_cls', 'loss_bbox', 'loss_dfl'] as const) {
    expect(ratio(to('none'), to('scores'), term)).toBeCloseTo(scoreSum, 9);
  }
  for (const term of ['loss_ld', 'loss_ld_vlr'] as const) {
    expect(ratio(to('none'), to('scores'), term)).toBeCloseTo(4 * scoreSum, 9);
  }
  const clamped = { box: { normaliser: 'clamped-weights' } } as const;
  expect(ratio(to('none'), clamped, 'loss_dfl')).toBeCloseTo(weightSum - 1e-6, 9);
  // One object, low scores: both sums are below 1.
  const few = {
    truth: [
      { boxes: [], labels: [] },
      { boxes: [[13.2, 10.1, 23.9, 22.3] as const], labels: [1] },
    ],
    student: { ...student, classLogits: student.classLogits.map((level) => level.map((z) => z - 9)) },
  };
  const small = evaluate({ regions: { assigner: 'task-aligned' } }, few).normalisers;
  expect(small.weightSum).toBeLessThan(1);
  expect(small.scoreSum).toBeLessThan(1);
  const regions = { assigner: 'task-aligned' } as const;
  for (const changes of [clamped, to('scores')]) {
    expect(ratio({ ...changes, regions }, { ...to('none'), regions }, 'loss_dfl', few)).toBe(1);
  }
});

test('weights of boxes and LD: best score, target score, teacher’s score, 1', () => {
  const ld = (weights: Recipe['ld']['weights'], other?: Partial<HeadLossInput>) => {
    const { terms } = evaluate({ ld: { weights, normaliser: 'weights', vlr: 0 } }, other);
    return sum(terms.loss_ld);
  };
  const best = ld('best-score');
  for (const weights of ['target-score', 'teacher-score', 'none'] as const) {
    expect(Math.abs(ld(weights) - best)).toBeGreaterThan(1e-6);
  }
  const sharing = { teacher: { ...teacher, classLogits: student.classLogits } };
  expect(ld('teacher-score', sharing)).toBe(best);
  const certain = { student: { ...student, classLogits: student.classLogits.map((level) => level.map(() => 50)) } };
  expect(ld('best-score', certain)).toBeCloseTo(ld('none', certain), 12);

  // Half of it everywhere; and the sum that `weights` divides by is that of LD's own weights.
  const halves = givenOf(evaluate({}, certain)).map((image) => ({ ...image, score: image.score.map(() => 0.5) }));
  const loss = (weights: Recipe['ld']['weights'], normaliser: Recipe['ld']['normaliser']) => {
    const changes = { regions: { assigner: 'given' }, ld: { weights, normaliser } } as const;
    return sum(evaluate(changes, { ...certain, given: halves }).terms.loss_ld);
  };
  expect(loss('target-score', 'none')).toBeCloseTo(loss('none', 'none') / 2, 12);
  expect(loss('target-score', 'weights')).toBeCloseTo(loss('none', 'weights'), 6);
  const positives = all(evaluate({}).regions, 'state').filter((state) => state === 1).length;
  expect(loss('none', 'none') / loss('none', 'weights')).toBeCloseTo(4 * positives, 4);

  // The best scores given as target scores: the same, of LD and of boxes.
  const result = evaluate({});
  const given = givenOf(result).map((image, b) => {
    const score = cells.flatMap((n, l) =>
      Array.from({ length: n }, (_, cell) => {
        const logits = [0, 1].map((c) => student.classLogits[l][(2 * b + c) * n + cell]);
        return 1 / (1 + Math.exp(-Math.max(...logits)));
      }),
    );
    return { ...image, score: image.score.map((_, i) => (image.state[i] === 1 ? score[i] : 0)) };
  });
  const byScore = evaluate(
    { regions: { assigner: 'given' }, box: { weights: 'target-score' }, ld: { weights: 'target-score' } },
    { given },
  );
  expectSame(byScore, result);
});

test('scale batch: every term and gradient times the number of images', () => {
  const [plain, scaled] = [evaluate({}), evaluate({ scale: 'batch' })];
  for (const [term, values] of Object.entries(plain.terms)) {
    expect(scaled.terms[term as keyof typeof plain.terms]).toEqual(values.map((value) => 2 * value));
  }
  expect(scaled.total).toBeCloseTo(2 * plain.total, 12);
  expect(scaled.gradients.classLogits[0]).toEqual(plain.gradients.classLogits[0].map((g) => 2 * g));
  expect(scaled.gradients.boxLogits[1]).toEqual(plain.gradients.boxLogits[1].map((g) => 2 * g));
});
