/** Processes that share a step: their losses and gradients are those of one process. */
import { describe, expect, test } from 'vitest';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import { alone } from '../../src/tensor/parts.js';
import { together } from '../../src/train/together.js';
import { sharedDevice } from '../device.js';
import { localRanks } from '../mpi/localRanks.js';
import { expectClose } from '../reference/closeTo.js';
import type { HeadOutputs, HeadSizes, ImageTruth } from '../reference/types.js';
import { randomOutputs, SIZES, TRUTHS, uploadOutputs, uploadTruths } from './headCase.js';

const device = await sharedDevice();

/** The objects of six images; some have none. */
const SIX: ImageTruth[] = [
  TRUTHS[1],
  { boxes: [], labels: [] },
  { boxes: [], labels: [] },
  { boxes: [], labels: [], ignore: [[1, 2, 30, 40]] },
  TRUTHS[0],
  { boxes: [[20.5, 8.25, 80.5, 60.75]], labels: [2] },
];
const ALL: HeadSizes = { ...SIZES, batch: SIX.length };

/** Between them every divisor that goes over the images of a step. */
const RECIPES: Record<string, PartialRecipe> = {
  'weights, images, a region of features': {
    ...resolveRecipe('main-kd+main-ld+vlr-ld+vlr-kd'),
    classification: { normaliser: 'images' },
    imitation: { method: 'decouple', weight: 2 },
  },
  'scores, the batch': {
    ...resolveRecipe('yolov8+ld'),
    imitation: { method: 'score-weighted', weight: 6 },
  },
  'clamped weights, positives, a mean over images': {
    ...resolveRecipe('nanodet-plus'),
    kd: { main: 3, normaliser: 'region' },
    imitation: { method: 'cwd', weight: 1 },
  },
  'sums over all locations': {
    ld: { all: 2, weights: 'teacher-score', normaliser: 'weights' },
    iouLd: { weight: 4, region: 'all', weights: 'score-difference', normaliser: 'weights' },
    kd: { all: 1, form: 'binary', normaliser: 'level', needsPositives: true },
  },
  'positives and others': { ld: { all: 2, weights: 'decoupled', normaliser: 'decoupled' } },
};

const student = randomOutputs(ALL, 1, 2);
const teacher = randomOutputs(ALL, 1001, 2);

/** The images from `first` on of all levels [B, …]. */
function imagesOf(outputs: Required<HeadOutputs>, first: number, batch: number): Required<HeadOutputs> {
  const cut = (levels: readonly ArrayLike<number>[]) =>
    levels.map((level) => {
      const image = level.length / ALL.batch;
      return Array.from(level).slice(first * image, (first + batch) * image);
    });
  return {
    classLogits: cut(outputs.classLogits),
    boxLogits: cut(outputs.boxLogits),
    features: cut(outputs.features ?? []),
  };
}

/** The head loss of one of `shares` processes, and what it evaluates. */
function shareOf(recipe: PartialRecipe, shares: number, rank: number) {
  const batch = ALL.batch / shares;
  const sizes = { ...ALL, batch };
  const { width, height } = sizes;
  const loss = new HeadLoss(device, { ...sizes, imageSize: { width, height }, recipe, shares });
  const input = {
    student: uploadOutputs(device, sizes, imagesOf(student, rank * batch, batch)),
    teacher: uploadOutputs(device, sizes, imagesOf(teacher, rank * batch, batch)),
    truth: uploadTruths(device, sizes, SIX.slice(rank * batch, (rank + 1) * batch)),
    distillation: 0.75,
  };
  return { loss, input, batch };
}

/** Losses and gradients of one of `shares` processes. */
async function evaluate(recipe: PartialRecipe, shares: number, rank: number, run: typeof alone | typeof together) {
  const { loss, input, batch } = shareOf(recipe, shares, rank);
  const result = await run(loss.evaluateParts(input), ranksOf(shares)[rank]);
  const { classLogits, boxLogits, features } = result.gradients;
  const gradients = [classLogits, boxLogits, ...(features ? [features] : [])];
  const values = await Promise.all(gradients.map((tensor) => tensor.read()));
  const terms = await result.terms.read();
  result.dispose();
  return { terms, values, levels: loss.grid.areas, batch };
}

let meeting: ReturnType<typeof localRanks> = [];
function ranksOf(shares: number) {
  if (meeting.length !== shares) meeting = localRanks(shares);
  return meeting;
}

/** A gradient [level, B, channels, H·W] of several processes as that of one. */
function joined(parts: readonly ArrayLike<number>[], levels: readonly number[], batch: number): number[] {
  const channels = parts[0].length / (batch * levels.reduce((sum, area) => sum + area, 0));
  let start = 0;
  return levels.flatMap((area) => {
    const end = start + batch * channels * area;
    const level = parts.flatMap((part) => Array.from(part).slice(start, end));
    start = end;
    return level;
  });
}

describe.each(Object.entries(RECIPES))('%s', (_, recipe) => {
  test.each([2, 3])('%d processes', async (shares) => {
    const whole = await evaluate(recipe, 1, 0, alone);
    meeting = localRanks(shares);
    const parts = await Promise.all(
      Array.from({ length: shares }, (_, rank) => evaluate(recipe, shares, rank, together)),
    );
    const terms = Array.from(whole.terms, (_, i) => parts.reduce((sum, part) => sum + part.terms[i], 0));
    expect(Math.max(...whole.terms)).toBeGreaterThan(0);
    expectClose(terms, whole.terms, { relative: 1e-6 }, 'terms');
    for (const [i, gradient] of whole.values.entries()) {
      const shared = joined(
        parts.map(({ values }) => values[i]),
        whole.levels,
        parts[0].batch,
      );
      // An element may be the small difference of two terms whose factors are rounded otherwise: a share of the largest, too.
      const largest = Array.from(gradient).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expectClose(shared, gradient, { relative: 1e-6, absolute: 2e-7 * largest }, `gradient ${i}`);
    }
  });
});

test('everything goes back to the pool', async () => {
  const recipe = RECIPES['weights, images, a region of features'];
  const ranks = localRanks(2);
  const shares = ranks.map(({ rank }) => shareOf(recipe, 2, rank));
  const before = device.pool.usedBytes;
  const results = await Promise.all(shares.map(({ loss, input }, i) => together(loss.evaluateParts(input), ranks[i])));
  for (const result of results) result.dispose();
  expect(device.pool.usedBytes).toBe(before);
});

describe('bad use is named', () => {
  const make = (recipe: PartialRecipe, shares = 2) =>
    new HeadLoss(device, { ...SIZES, imageSize: { width: SIZES.width, height: SIZES.height }, recipe, shares });

  test('evaluate by several', () => {
    const input = {
      student: uploadOutputs(device, SIZES, randomOutputs(SIZES, 1, 2)),
      truth: uploadTruths(device, SIZES, TRUTHS),
    };
    const before = device.pool.usedBytes;
    expect(() => make({}).evaluate(input)).toThrow(/shares: 2 processes .*evaluateParts/);
    expect(device.pool.usedBytes).toBe(before);
  });

  test.each<[PartialRecipe, RegExp]>([
    [{ imitation: { method: 'pkd', weight: 1 } }, /imitation\.method pkd .*one process/],
    [{ imitation: { method: 'gibox', weight: 1 } }, /imitation\.method gibox /],
    [{ imitation: { method: 'cwd', weight: 1, norm: 'batch' } }, /imitation\.norm batch /],
    [{ kd: { all: 1, form: 'binary' }, cross: { convolutions: 1 } }, /cross\.convolutions /],
  ])('%j', (recipe, message) => {
    expect(() => make(recipe)).toThrow(message);
    expect(() => make(recipe, 1)).not.toThrow();
  });

  test('no number of processes', () => {
    expect(() => make({}, 0)).toThrow(/shares: 0; expected an integer of at least 1/);
  });
});
