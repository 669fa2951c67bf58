/** Trainings by the losses of other heads, from the data to a checkpoint. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import type { Device } from '../../src/tensor/device.js';
import { loadCheckpoint, restoreDetector } from '../../src/train/checkpoint.js';
import { evaluate } from '../../src/train/evaluate.js';
import { readLog, readRun } from '../../src/train/runFolder.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { sharedDevice } from '../device.js';

let device: Device;
let root: string;
beforeAll(async () => {
  device = await sharedDevice();
  root = await mkdtemp(join(tmpdir(), 'edgewise-heads-'));
});
afterAll(() => rm(root, { recursive: true }));

const config = detectorConfig({ size: 'tiny', classes: 3, bins: 16, strides: [8, 16], width: 64, height: 64 });
const source = shapesDataset({ count: 4, width: 64, height: 64, seed: 1 });
const yolov8 = resolveRecipe('yolov8+ld');
const switching = { ...yolov8, name: 'switching', regions: { ...yolov8.regions, switchAfter: 1 } };

/** Two epochs of two steps. */
const short = (name: string, more: Partial<TrainOptions> = {}): TrainOptions => ({
  device,
  source,
  folder: join(root, name),
  detector: config,
  recipe: 'yolov8',
  settings: { epochs: 2, batch: 2, warmupSteps: 2, ema: 0.9, evaluateEvery: 0, seed: 3 },
  ...more,
});

const teacher = async () => restoreDetector(device, await loadCheckpoint(join(root, 'teacher')), 'average');
const termsOf = async (name: string) => (await readLog(join(root, name))).map(({ terms }) => terms);

test('a teacher by yolov8, a student by yolov8+ld, and both decode and compare', async () => {
  await train(short('teacher'));
  const [first] = await termsOf('teacher');
  for (const term of ['loss_cls', 'loss_bbox', 'loss_dfl'] as const) expect(first[term]).toBeGreaterThan(0);
  const taught = await teacher();
  await train(short('student', { teacher: taught, recipe: 'yolov8+ld', teacherCache: join(root, 'cache') }));
  expect((await termsOf('student')).every(({ loss_ld }) => loss_ld > 0)).toBe(true);
  const student = restoreDetector(device, await loadCheckpoint(join(root, 'student')), 'average');
  const found = await evaluate(student, { source, batch: 2, teacher: taught });
  expect(found?.agreement).not.toBeNull();
  student.dispose();
  await train(short('other', { teacher: taught, recipe: 'main-ld' }));
  expect(await readRun(join(root, 'other'))).toMatchObject({
    teacherMatch: 'the teacher: centre offset 0.5 → 0, re-binned.',
  });
  taught.dispose();
});

test('ATSS assigns before the switch, the assigner after it; a training that stops at every step has the same bits', async () => {
  const taught = await teacher();
  const compiles = vi.spyOn(device, 'compile');
  const runs = vi.spyOn(device, 'run');
  await train(short('switching', { teacher: taught, recipe: switching }));
  const compiled = compiles.mock.calls.flatMap(([kernels]) => [...kernels].map(({ kernel }) => kernel.name));
  const used = runs.mock.calls.map(([{ kernel }]) => kernel.name);
  for (const spy of [compiles, runs]) spy.mockRestore();
  expect(new Set(compiled)).toEqual(new Set(used));
  expect(used).toEqual(expect.arrayContaining(['regions/list_atss', 'regions/task_aligned_scores']));

  const { assigner: _, switchAfter: __, ...regions } = switching.regions;
  await train(short('atss', { teacher: taught, recipe: { ...switching, name: 'atss', regions } }));
  const [own, atss] = await Promise.all(['switching', 'atss'].map(termsOf));
  expect(own[0]).toEqual(atss[0]);
  expect(own[1]).not.toEqual(atss[1]);
  const log = await readLog(join(root, 'switching'));
  expect(log.map(({ assigner }) => assigner)).toEqual(['atss', 'task-aligned']);

  const stops = { ...short('stopped', { teacher: taught, recipe: switching }), signal: AbortSignal.abort() };
  await train(stops);
  const { tensors } = await loadCheckpoint(join(root, 'stopped'));
  const prior = 10 / (3 * (80 ** 2 + 40 ** 2)); // 5 objects a level
  // After one step of a thousandth of the rate.
  expect(tensors.get('head.classLogits.bias')?.data[0]).toBeCloseTo(Math.log(prior / (1 - prior)), 4);
  const { detector: _d, recipe: _r, settings: _s, signal: _a, ...context } = stops;
  for (let step = 2; step <= 4; step++) {
    const stopped = { ...context, ...(step < 4 && { signal: AbortSignal.abort() }) };
    expect(await resumeTraining(stopped)).toMatchObject({ step });
  }
  const bytes = (name: string) => readFile(join(root, name, 'checkpoint.safetensors'));
  expect((await bytes('stopped')).equals(await bytes('switching'))).toBe(true);
  taught.dispose();
});

test('distillation by a schedule: the log tells its factor, and the teacher is asked as long as it is above 0', async () => {
  const taught = await teacher();
  const recipe = { ...yolov8, distillation: { schedule: 'cosine', end: 0.1, warmup: 0.25, off: 0.25 } } as const;
  const forward = vi.spyOn(taught, 'forward');
  await train(short('scheduled', { teacher: taught, recipe }));
  // Two epochs of two steps, the last of which is without.
  expect(forward).toHaveBeenCalledTimes(3);
  forward.mockRestore();
  const log = await readLog(join(root, 'scheduled'));
  const second = 0.1 + 0.45 * (1 + Math.cos(Math.PI / 4));
  expect(log.map(({ distillation }) => distillation)).toEqual([expect.closeTo(second, 12), 0]);
  // A cache holds halves.
  await train({ ...short('cached', { teacher: taught, recipe }), teacherCache: join(root, 'scheduled-cache') });
  const [cached, own] = [await termsOf('cached'), await termsOf('scheduled')];
  expect(cached[1].loss_ld / own[1].loss_ld).toBeCloseTo(1, 2);
  expect((await readLog(join(root, 'student')))[0].distillation).toBeUndefined();
  taught.dispose();
});

test('an assigner that the training never comes to is refused before anything is there', async () => {
  await expect(train(short('never', { recipe: 'ppyoloe' }))).rejects.toThrow(/regions\.switchAfter is 4/);
  await expect(readFile(join(root, 'never', 'run.json'))).rejects.toThrow(/ENOENT/);
});
