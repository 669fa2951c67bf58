/** Processes that train together, here within one: what they learn is what one process learns. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { type Checkpoint, loadCheckpoint } from '../../src/train/checkpoint.js';
import { companionsOf, makeLearner } from '../../src/train/learner.js';
import { readLog } from '../../src/train/runFolder.js';
import { trainSettings } from '../../src/train/settings.js';
import { stepParts } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import { together } from '../../src/train/together.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { sharedDevice } from '../device.js';
import { localRanks } from '../mpi/localRanks.js';
import { expectClose } from '../reference/closeTo.js';

const device = await sharedDevice();
const root = await mkdtemp(join(tmpdir(), 'edgewise-ranks-'));
afterAll(() => rm(root, { recursive: true }));

const SIZE = { width: 64, height: 64 };
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 5, ...SIZE });
const teacher = new Detector(device, { ...config, size: 'small' }, { seed: 9 });
// Its projector learns with the student. SGD: AdamW makes full steps of gradients that are nothing but rounding.
const recipe = 'main-kd+main-ld+vlr-ld+imitation-inside';
const settings = {
  epochs: 2,
  batch: 6,
  warmupSteps: 2,
  ema: 0.9,
  seed: 3,
  optimizer: 'sgd',
  learningRate: 0.02,
} as const;

/** Four steps: two epochs of two. */
const options = (name: string): TrainOptions => ({
  device,
  source: shapesDataset({ count: 13, ...SIZE, seed: 1 }),
  validation: shapesDataset({ count: 2, ...SIZE, seed: 2 }),
  teacher,
  folder: join(root, name),
  detector: config,
  recipe,
  settings,
});

/** Trains by several; `differ` says what one of them has for itself. */
function trainBy(size: number, name: string, differ: (rank: number) => Partial<TrainOptions> = () => ({})) {
  return Promise.all(localRanks(size).map((ranks) => train({ ...options(name), ranks, ...differ(ranks.rank) })));
}

const valuesOf = ({ tensors }: Checkpoint, part: (name: string) => boolean) =>
  [...tensors].filter(([name]) => part(name)).flatMap(([, { data }]) => Array.from(data as Float32Array));
const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** Two runs differ by no more than their rounding. */
async function expectSame(name: string, expected: string) {
  const [[run, log], [other, otherLog]] = await Promise.all(
    [name, expected].map(async (folder) => {
      const path = join(root, folder);
      return [await loadCheckpoint(path), await readLog(path)] as const;
    }),
  );
  expect(log.map(({ epoch, step }) => [epoch, step])).toEqual(otherLog.map(({ epoch, step }) => [epoch, step]));
  for (const [i, { terms }] of log.entries()) {
    expectClose(Object.values(terms), Object.values(otherLog[i].terms), { relative: 1e-6, absolute: 1e-9 }, 'terms');
  }
  // The momentum has the gradients of all steps.
  for (const part of ['', 'optimizer.', 'adapter.optimizer.', 'ema.']) {
    const of = (checkpoint: Checkpoint) => valuesOf(checkpoint, (key) => key.startsWith(part));
    const [own, whole] = [of(run), of(other)];
    expect(norm(own.map((value, i) => value - whole[i])) / norm(whole), part).toBeLessThan(1e-6);
  }
}

test('a step by 1, 2 and 3 processes has the same gradients', async () => {
  const gradients = async (size: number) => {
    const made = localRanks(size).map(async (ranks) => {
      const share = { part: ranks.rank, of: size };
      const { source } = options('');
      const whole = { ...SIZE, batch: 6, seed: 1, augment: false, shuffle: false, dropLast: true };
      const { value: batch } = await new Loader(source, { ...whole, share }).batches(0).next();
      const detector = new Detector(device, config, { seed: 1 });
      const learner = makeLearner(detector, teacher, resolveRecipe(recipe), trainSettings(settings));
      const headLoss = new HeadLoss(device, { ...config, imageSize: SIZE, batch: 6 / size, shares: size, recipe });
      const tools = { ...learner, headLoss, history: new TermHistory(headLoss, 1) };
      const taught = await learner.teacher?.prepare(batch!);
      await together(stepParts(tools, batch!, 0.01, taught), ranks);
      const stores = [learner.optimizer, ...companionsOf(learner).map(([, companion]) => companion)];
      return Promise.all(stores.map(async ({ parameters }) => Array.from(await parameters.gradients.read())));
    });
    return Promise.all(made);
  };
  const [[whole], ...shared] = await Promise.all([1, 2, 3].map(gradients));
  expect(whole).toHaveLength(2);
  for (const ranks of shared) {
    for (const stores of ranks) {
      expect(stores).toEqual(ranks[0]);
      for (const [i, own] of stores.entries()) {
        expect(norm(own.map((value, k) => value - whole[i][k])) / norm(whole[i])).toBeLessThan(1e-6);
      }
    }
  }
});

test('1, 2 and 3 processes train the same, and the same bits on every run', async () => {
  await train(options('one'));
  const results = await trainBy(2, 'two');
  expect(results.map(({ step, interrupted }) => [step, interrupted])).toEqual([
    [4, false],
    [4, false],
  ]);
  await expectSame('two', 'one');
  await trainBy(3, 'three', (rank) => (rank === 0 ? {} : { folder: join(root, `none-${rank}`) }));
  await expectSame('three', 'one');
  expect(await readdir(root)).not.toContain('none-1');
  await trainBy(2, 'again');
  const bytes = (name: string) => readFile(join(root, name, 'checkpoint.safetensors'), 'base64');
  expect(await bytes('again')).toBe(await bytes('two'));
});

test('all stop where one is asked to, and another number goes on', async () => {
  const stopped = await trainBy(2, 'stopped', (rank) => (rank === 1 ? { signal: AbortSignal.abort() } : {}));
  expect(stopped.map(({ step, interrupted }) => [step, interrupted])).toEqual([
    [1, true],
    [1, true],
  ]);
  const { detector: _, recipe: __, settings: ___, ...context } = options('stopped');
  const ended = await Promise.all(localRanks(3).map((ranks) => resumeTraining({ ...context, ranks })));
  expect(ended.map(({ step, interrupted }) => [step, interrupted])).toEqual(Array(3).fill([4, false]));
  await expectSame('stopped', 'one');
});

test('bad use is named', async () => {
  await expect(Promise.all(localRanks(4).map((ranks) => train({ ...options('four'), ranks })))).rejects.toThrow(
    /batch: 6 images a step for 4 processes; .*multiple of 4/,
  );
  const seeds = (rank: number) => ({ settings: { ...settings, seed: rank } });
  await expect(trainBy(2, 'seeds', seeds)).rejects.toThrow(/rank 1 is about to train something else than rank 0/);
});
