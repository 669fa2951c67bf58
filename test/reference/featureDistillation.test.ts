import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import {
  afterBatchNorm,
  bestScores,
  channelWise,
  type FeatureLoss,
  type FeatureSizes,
  pearson,
  scoreWeighted,
} from './featureDistillation.js';
import { noise } from './noise.js';

type Values = ArrayLike<number>;
type Loss = (student: Values, teacher: Values, sizes: FeatureSizes, scores: Values) => FeatureLoss;

const channelWiseAt3: Loss = (s, t, sizes) => channelWise(s, t, sizes, 3);
const LOSSES: Record<string, Loss> = {
  'channel-wise': channelWiseAt3,
  pearson: (s, t, sizes) => pearson(s, t, sizes),
  'score-weighted': scoreWeighted,
  'channel-wise after batch norm': (s, t, sizes, scores) =>
    afterBatchNorm(s, t, sizes, (a, b) => channelWiseAt3(a, b, sizes, scores)),
  'score-weighted after batch norm': (s, t, sizes, scores) =>
    afterBatchNorm(s, t, sizes, (a, b) => scoreWeighted(a, b, sizes, scores)),
};

const problem = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 3 }),
  area: fc.integer({ min: 2, max: 6 }),
  seed: fc.nat(1e6),
});

/** Greatest less least value of the channel that has least of it. */
function leastRange(values: Values, { batch, channels }: FeatureSizes): number {
  const area = values.length / (batch * channels);
  const ranges = Array.from({ length: channels }, (_, channel) => {
    const own = Array.from(values).filter((_, i) => Math.floor(i / area) % channels === channel);
    return Math.max(...own) - Math.min(...own);
  });
  return Math.min(...ranges);
}

describe.each(Object.keys(LOSSES))('%s', (name) => {
  test('the gradient is the central difference; it is not negative, and 0 for equal nets', () =>
    fc.assert(
      fc.property(problem, ({ seed, area, ...sizes }) => {
        const length = sizes.batch * sizes.channels * area;
        const [student, teacher] = [noise(seed, length), noise(seed + 1, length)];
        // Divided by a deviation that is hardly more than the step of the differences, these are no derivative.
        fc.pre(leastRange(student, sizes) > 0.05);
        const scores = noise(seed + 2, sizes.batch * area).map((x) => Math.abs(x));
        const lossOf = (s: Values, t: Values = teacher) => LOSSES[name](s, t, sizes, scores);
        const { loss, gradient } = lossOf(student);
        expect(loss).toBeGreaterThanOrEqual(0);
        expectClose(
          gradient,
          centralDifferences((moved) => lossOf(moved).loss, student),
          { absolute: 1e-6, relative: 1e-4 },
        );
        expectClose([lossOf(teacher).loss], [0], { absolute: 1e-12 });
      }),
      { numRuns: 50 },
    ));
});

test('PKD is 1 − Pearson’s correlation, averaged over the channels, and sees neither shift nor scale', () => {
  const sizes = { batch: 2, channels: 1 };
  const [student, teacher] = [noise(1, 40), noise(2, 40)];
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [s, t] = [student, teacher].map((values) => {
    const own = Array.from(values);
    return own.map((x) => x - mean(own));
  });
  const product = (a: number[], b: number[]) => a.reduce((total, x, i) => total + x * b[i], 0);
  const correlation = product(s, t) / Math.sqrt(product(s, s) * product(t, t));
  // The mean over 40 values of what is normalised by 39.
  const expected = (39 / 40) * (1 - correlation);
  expect(pearson(student, teacher, sizes).loss).toBeCloseTo(expected, 5);
  const moved = Float64Array.from(student, (x) => 7 * x - 3);
  expect(pearson(moved, teacher, sizes).loss).toBeCloseTo(expected, 5);
});

test('a constant channel is no NaN; neither is one value', () => {
  const constant = new Float64Array(6).fill(3);
  for (const name of Object.keys(LOSSES)) {
    const { loss, gradient } = LOSSES[name](
      constant,
      noise(1, 6),
      { batch: 1, channels: 1 },
      new Float64Array(6).fill(1),
    );
    expect([loss, ...gradient].every(Number.isFinite), name).toBe(true);
    const single = LOSSES[name]([2], [5], { batch: 1, channels: 1 }, [0]);
    expectClose([single.loss, ...single.gradient], [0, 0], {}, name);
  }
});

test('bestScores: the largest sigmoid of a location', () => {
  const scores = bestScores([0, -1, 2, -3, 5, 1, -5, 7], { batch: 2, channels: 2 });
  expectClose(
    scores,
    [2, -1, 5, 7].map((x) => 1 / (1 + Math.exp(-x))),
    { absolute: 1e-12 },
  );
});
