/** CrossKD in a training: the student's features through the teacher's head. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shapesDataset } from '../../src/data/shapes.js';
import { type DetectorSize, detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { loadCheckpoint } from '../../src/train/checkpoint.js';
import { CrossHead } from '../../src/train/crossHead.js';
import { makeLearner } from '../../src/train/learner.js';
import { readLog } from '../../src/train/runFolder.js';
import { trainSettings } from '../../src/train/settings.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-cross-'));
});
afterAll(() => rm(root, { recursive: true }));

const config = detectorConfig({ size: 'tiny', classes: 3, bins: 8, strides: [8, 16], width: 64, height: 64 });
const netOf = (size: DetectorSize, seed: number) => new Detector(device, { ...config, size }, { seed });
const teacher = netOf('small', 9);

/** Two epochs of two steps. */
const short = (name: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  device,
  source: shapesDataset({ count: 4, width: 64, height: 64, seed: 1 }),
  folder: join(root, name),
  detector: config,
  teacher,
  recipe: 'crosskd+pkd',
  settings: { epochs: 2, batch: 2, warmupSteps: 2, ema: 0.9, evaluateEvery: 0, seed: 3 },
  ...more,
});
const bytes = (name: string) => readFile(join(root, name, 'checkpoint.safetensors'));

test('it trains, its terms are there, and a training that stops at every step has the same bits', async () => {
  await train(short('whole'));
  const log = await readLog(join(root, 'whole'));
  for (const name of ['loss_cls', 'loss_kd', 'loss_ld', 'loss_im'] as const) {
    for (const { terms } of log) expect(terms[name]).toBeGreaterThan(0);
  }
  const { tensors } = await loadCheckpoint(join(root, 'whole'));
  expect(tensors.get('cross.classTower')?.shape).toEqual([32, 24, 1, 1]);
  const stops = { ...short('stopped'), signal: AbortSignal.abort() };
  await train(stops);
  const { detector: _d, recipe: _r, settings: _s, signal: _a, ...context } = stops;
  for (let step = 2; step <= 4; step++) {
    await resumeTraining({ ...context, ...(step < 4 && { signal: AbortSignal.abort() }) });
  }
  expect((await bytes('stopped')).equals(await bytes('whole'))).toBe(true);
});

test('distillation reaches the student through the head alone, and the projection learns with it', async () => {
  const { kd, ld, cross } = resolveRecipe('crosskd');
  const nothing = { classification: { weight: 0 }, box: { weight: 0 }, dfl: { weight: 0 } };
  await train(
    short('alone', {
      recipe: { ...nothing, name: 'alone', kd, ld, cross },
      settings: { ...short('').settings, weightDecay: 0 },
    }),
  );
  const { tensors } = await loadCheckpoint(join(root, 'alone'));
  const before = netOf('tiny', 3).parameters;
  const start = before.split((await before.values.read()) as Float32Array);
  const moved = (name: string) => {
    const now = tensors.get(name)!.data as Float32Array;
    return start.get(name)!.data.some((value, i) => value !== now[i]);
  };
  expect(moved('head.class1.conv.weight')).toBe(true);
  expect(moved('backbone.stem1.conv.weight')).toBe(true);
  // The student's own predictions have no loss.
  expect(moved('head.classLogits.weight')).toBe(false);
  const kept = await teacher.parameters.values.read();
  expect(kept).toEqual(await netOf('small', 9).parameters.values.read());
});

test('the convolutions that are passed', () => {
  const settings = trainSettings({});
  const recipe = (convolutions: number) => resolveRecipe({ ...resolveRecipe('crosskd'), cross: { convolutions } });
  const towersOf = (own: DetectorSize, other: DetectorSize, convolutions: number) => {
    const cross = new CrossHead(netOf(own, 1), netOf(other, 2), recipe(convolutions), settings);
    const { tower, teacherTower, optimizer } = cross;
    cross.dispose();
    return [tower, teacherTower, optimizer !== null];
  };
  expect(towersOf('tiny', 'small', 1)).toEqual([1, 1, true]);
  expect(towersOf('base', 'base', 1)).toEqual([2, 2, false]);
  expect(towersOf('base', 'base', 2)).toEqual([1, 1, false]);
  expect(towersOf('tiny', 'base', 1)).toEqual([1, 2, true]);
  expect(() => towersOf('tiny', 'small', 2)).toThrow(
    /^recipe crosskd: cross\.convolutions is 2, but the towers of a small teacher have 2 and .*; set it to at most 1/,
  );
});

test('teachers without a head here, and caches, are refused', async () => {
  const learner = makeLearner(netOf('tiny', 1), teacher, resolveRecipe('crosskd'), trainSettings({}));
  const { detector: _, ...foreign } = learner.teacher!;
  const { size: __, ...foreignConfig } = teacher.config;
  const other = { ...foreign, config: foreignConfig, describe: async () => ({}), prepare: learner.teacher!.prepare };
  learner.dispose();
  await expect(train(short('foreign', { teacher: other }))).rejects.toThrow(
    /^recipe crosskd\+pkd sends the student's features through the teacher's head, which only a teacher trained with/,
  );
  await expect(train(short('cached', { teacherCache: join(root, 'cache') }))).rejects.toThrow(
    /^teacherCache: recipe crosskd\+pkd sends the student's features through the teacher's head, which a cache does not hold/,
  );
});
