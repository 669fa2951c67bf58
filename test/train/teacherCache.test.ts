import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import type { Device } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { fillTeacherCache } from '../../src/train/fillCache.js';
import { readLog, readRun } from '../../src/train/runFolder.js';
import { type Teacher, teacherOf } from '../../src/train/teacher.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { DiskError, InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

let device: Device;
let root: string;
let teacher: Detector;
beforeAll(async () => {
  device = await sharedDevice();
  teacher = new Detector(device, config, { seed: 9 });
});
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-cache-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true });
});

const config = detectorConfig({ size: 'tiny', classes: 3, width: 64, height: 64 });
const shapes = (count: number, seed = 1) => shapesDataset({ count, width: 64, height: 64, seed });
const RECIPE = 'main-kd+main-ld+vlr-ld';

/** Four steps: two epochs of two, each with an evaluation. */
const short = (
  name: string,
  cache: string | null = 'cache',
  recipe: TrainOptions['recipe'] = RECIPE,
): TrainOptions => ({
  device,
  source: shapes(5),
  validation: shapes(3, 2),
  teacher,
  folder: join(root, name),
  detector: config,
  recipe: recipe ?? RECIPE,
  settings: { epochs: 2, batch: 2, warmupSteps: 2, ema: 0.9, seed: 3 },
  ...(cache !== null && { teacherCache: join(root, cache) }),
});

/** Everything a run leaves, without the clock. */
async function traces(name: string) {
  const log = await readLog(join(root, name));
  return {
    log: log.map((entry) => ({ ...entry, imagesPerSecond: 0, seconds: 0 })),
    checkpoint: (await readFile(join(root, name, 'checkpoint.safetensors'))).toString('base64'),
  };
}

/** Path and bytes of every file of a cache. */
async function files(cache: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(join(root, cache), { recursive: true })).filter((name) => /\.(f16|part)$/.test(name));
  return new Map(
    await Promise.all(names.sort().map(async (name) => [name, await readFile(join(root, cache, name))] as const)),
  );
}

test('the training that fills a cache, one that finds it, and one that stops in between have the same bits', async () => {
  await train(short('filling'));
  const expected = await traces('filling');
  const written = await files('cache');
  // Two epochs, and one pass over the validation set.
  expect([...written.keys()].map((name) => name.replace(/^\w+\//, '')).sort()).toEqual([
    'epoch-0001-logits.f16',
    'epoch-0001-logits.f16',
    'epoch-0002-logits.f16',
  ]);
  expect(await readRun(join(root, 'filling'))).toMatchObject({ teacherCache: true, data: null, teacherRun: null });

  const forward = vi.spyOn(teacher, 'forward');
  await train(short('finding'));
  expect(forward).not.toHaveBeenCalled();
  expect(await traces('finding')).toEqual(expected);

  // A cache of its own, so that it goes on in the middle of epochs that are not there.
  const { detector: _, recipe: __, settings: ___, ...context } = short('stopped', 'other');
  await train({ ...short('stopped', 'other'), signal: AbortSignal.abort() });
  expect((await files('other')).size).toBe(0);
  await resumeTraining(context);
  expect(await traces('stopped')).toEqual(expected);
  const again = await files('other');
  expect(again.size).toBe(2);
  for (const [name, bytes] of again) expect(bytes.equals(written.get(name)!), name).toBe(true);
  expect(await files('cache')).toEqual(written);
});

test('rounding to half floats changes the losses a little, and a training cannot change over', async () => {
  await train(short('rounded'));
  await train(short('exact', null));
  const [[rounded], [exact]] = [await readLog(join(root, 'rounded')), await readLog(join(root, 'exact'))];
  expect(rounded.loss).not.toBe(exact.loss);
  // Halves have 11 bits; the sums over two steps of training differ by less than a tenth of a percent.
  expect(Math.abs(rounded.loss / exact.loss - 1)).toBeLessThan(1e-3);
  const { teacherCache: _, ...without } = short('rounded');
  await expect(resumeTraining(without)).rejects.toThrow(/with a cache of the teacher's outputs; give a folder/);
  await expect(resumeTraining({ ...short('exact', null), teacherCache: root })).rejects.toThrow(/without a cache/);
});

test('files that are cut short or of something else are said, and made again', async () => {
  await train(short('first'));
  const expected = await traces('first');
  const written = await files('cache');
  const [one, two, three] = [...written.keys()];
  await truncate(join(root, 'cache', one), 1000);
  await writeFile(join(root, 'cache', two), Buffer.alloc(written.get(two)!.byteLength, 'x'));
  await rm(join(root, 'cache', three));
  // What a process of another machine left goes once nobody has written to it for long; it may be at work on a young one.
  const [old, young] = [1, 2].map((id) => join(root, 'cache', dirname(one), `.edgewise-00000000-${id}-0-0.part`));
  for (const path of [old, young]) await writeFile(path, 'half');
  await utimes(old, 0, 0);
  const warnings: string[] = [];
  await train({
    ...short('second'),
    onProgress: (progress) => {
      if (progress.kind === 'warning') warnings.push(progress.message);
    },
  });
  expect(await traces('second')).toEqual(expected);
  expect(warnings.sort()).toEqual(
    [
      expect.stringMatching(/f16 is damaged \(1000 bytes of \d+\); the teacher computes its outputs/),
      expect.stringMatching(/f16 is damaged \(its header is not that of these outputs\)/),
    ].sort(),
  );
  await rm(young);
  expect(await files('cache')).toEqual(written);
});

test('a recipe with imitation adds the features to a cache of logits', async () => {
  const imitating = `${RECIPE}+imitation-inside`;
  await train(short('logits'));
  const logits = await files('cache');
  await train(short('features', 'cache', imitating));
  const expected = await traces('features');
  const all = await files('cache');
  expect(all.size).toBe(logits.size + 2);
  for (const [name, bytes] of logits) expect(all.get(name)).toEqual(bytes);
  const forward = vi.spyOn(teacher, 'forward');
  await train(short('again', 'cache', imitating));
  expect(forward).not.toHaveBeenCalled();
  expect(await traces('again')).toEqual(expected);
});

/** A teacher that says the same of every batch, with one value that differs. */
function saying(value: number): Teacher {
  const sizes = [8, 16, 32].map((stride) => ({ height: 64 / stride, width: 64 / stride }));
  const upload = (channels: number, change: boolean) => {
    const pyramid = Pyramid.empty(device, 2, channels, sizes);
    const values = new Float32Array(pyramid.size).fill(-3);
    // Behind the finest level's 64 cells: channel 1 of the second image, row 1, column 2 of stride 16.
    if (change) values[2 * channels * 64 + (channels + 1) * 16 + 6] = value;
    pyramid.write(values);
    return pyramid;
  };
  return {
    device,
    config,
    featureChannels: 0,
    describe: async () => ({ saying: String(value) }),
    prepare: async () => ({
      begin: () => undefined,
      outputs: () => ({ classLogits: upload(3, false), boxLogits: upload(4 * config.bins, true) }),
      end: () => undefined,
    }),
  };
}

test('a teacher that is not finite is refused, and no file is left', async () => {
  const settings = { batch: 2, seed: 3, augment: false, epochs: 1 };
  for (const value of [Number.NaN, -Infinity]) {
    await expect(fillTeacherCache(join(root, 'cache'), saying(value), { settings, source: shapes(5) })).rejects.toThrow(
      /box logits of image \d, stride 16, row 1, column 2, are NaN or infinite/,
    );
    const training = { ...short('student'), teacher: saying(value), settings: { ...settings, evaluateEvery: 0 } };
    await expect(train(training)).rejects.toThrow(InputError);
    await rm(join(root, 'student'), { recursive: true });
    expect((await files('cache')).size).toBe(0);
  }
});

test('what is too large for a half is told once an epoch and kept as the largest', async () => {
  const settings = { batch: 2, seed: 3, augment: false, epochs: 2 };
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  await fillTeacherCache(join(root, 'cache'), saying(1e6), { settings, source: shapes(5), onWarning });
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(/box logits of image \d, stride 16, row 1, column 2, reach ±65504/);
  expect((await files('cache')).size).toBe(2);
});

test('a disk that refuses a file is told; a training goes on without, a cache that is wanted is an error', async () => {
  await train(short('first'));
  const expected = await traces('first');
  // A folder where a file is to be.
  for (const name of (await files('cache')).keys()) {
    await rm(join(root, 'cache', name));
    await mkdir(join(root, 'cache', name, 'in the way'), { recursive: true });
  }
  const warnings: string[] = [];
  const onWarning = (message: string) => void warnings.push(message);
  const onProgress: TrainOptions['onProgress'] = (progress) => {
    if (progress.kind === 'warning') onWarning(progress.message);
  };
  await train({ ...short('second'), onProgress });
  expect(await traces('second')).toEqual(expected);
  const refused = /^teacher cache: \S+f16 cannot be written: .*; the teacher computes its outputs\.$/;
  expect(warnings).toEqual(expect.arrayContaining([expect.stringMatching(refused)]));
  const settings = { batch: 2, seed: 3, augment: true, epochs: 1 };
  await expect(
    fillTeacherCache(join(root, 'cache'), teacherOf(teacher), { settings, source: shapes(5) }),
  ).rejects.toThrow(DiskError);
});

test('two trainings side by side fill one cache', async () => {
  await Promise.all([train(short('left')), train(short('right'))]);
  await train(short('after'));
  const expected = await traces('after');
  expect(await traces('left')).toEqual(expected);
  expect(await traces('right')).toEqual(expected);
  expect((await files('cache')).size).toBe(3);
});

test('another teacher, seed or data set has a folder of its own; a cache without a teacher is left alone', async () => {
  const once = (name: string, change: Partial<TrainOptions>) => {
    const options = short(name);
    return train({
      ...options,
      ...change,
      settings: { ...options.settings, epochs: 1, evaluateEvery: 0, ...change.settings },
    });
  };
  await once('plain', { recipe: 'gfocal' });
  await expect(readdir(join(root, 'cache'))).rejects.toThrow(/ENOENT/);
  await once('base', {});
  const other = new Detector(device, teacher.config, { seed: 10 });
  await once('teacher', { teacher: other });
  other.dispose();
  await once('seed', { settings: { seed: 4 } });
  await once('data', { source: shapes(5, 7) });
  await once('recipe', { recipe: 'main-ld' });
  expect(await readdir(join(root, 'cache'))).toHaveLength(4);
});
