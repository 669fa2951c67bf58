/** Trainings whose maps are stored in f16, and their loss scale. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ParameterStore } from '../../src/autograd/parameters.js';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import type { DetectionNet } from '../../src/detector/net.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { Random } from '../../src/tensor/random.js';
import { CHECKPOINT, loadCheckpoint, restoreDetector } from '../../src/train/checkpoint.js';
import { makeLearner } from '../../src/train/learner.js';
import { LossScale } from '../../src/train/lossScale.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { readLog } from '../../src/train/runFolder.js';
import { trainSettings } from '../../src/train/settings.js';
import { trainStep } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import { resumeTraining, train } from '../../src/train/train.js';
import { trainingWorkloads } from '../../src/train/workloads.js';
import { bareDevice, sharedDevice } from '../device.js';

const device = await sharedDevice();
const hasHalf = device.gpu.features.has('shader-f16');
const SIZE = { width: 64, height: 64 };
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 5, ...SIZE });
const recipe = resolveRecipe('gfocal');
const source = shapesDataset({ count: 6, ...SIZE, seed: 1 });

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-precision-'));
});
afterAll(() => rm(root, { recursive: true }));

test('workloads of f16 store maps in it', (context) => {
  if (!hasHalf) return context.skip();
  const used = device.pool.usedBytes;
  const { workloads, dispose } = trainingWorkloads(device, config, 1, { precision: 'f16' });
  const types = device.tidy(() => workloads.map(({ name, run }) => [name, new Set(run().map(({ type }) => type))]));
  expect(types).toEqual([
    ['convolutions', new Set(['f16'])],
    ['gradients of the weights', new Set(['f32'])],
    ['gradients of the biases', new Set(['f32'])],
    ['norms', new Set(['f16', 'f32'])],
    ['head loss', new Set(['f32'])],
  ]);
  dispose();
  expect(device.pool.usedBytes).toBe(used);
});

test('workloads of f16 are refused on a device without it', async () => {
  const bare = await bareDevice();
  expect(() => trainingWorkloads(bare, config, 1, { precision: 'f16' })).toThrow(/precision: f16 needs .* shader-f16/);
});

describe('the loss scale', () => {
  const initial = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i));
  const store = () => new ParameterStore(device, [{ name: 'weight', shape: [200], decay: true, initial }]);
  const settings = { optimizer: 'adamw', momentum: 0, weightDecay: 0.1, clip: 1, ema: 0 } as const;

  test('changes no bit of an update, its norm and its clipping', async () => {
    const random = Random.of(1);
    const scale = new LossScale(device);
    const made = [null, scale].map((own) => ({ own, optimizer: new Optimizer(store(), settings) }));
    for (let step = 0; step < 3; step++) {
      const values = Float32Array.from({ length: 200 }, () => random.normal());
      for (const { own, optimizer } of made) {
        optimizer.begin(0.01);
        const gradient = device.tensor(values);
        own?.apply([gradient]);
        optimizer.parameters.get('weight').gradient!.write(await gradient.read());
        optimizer.update(own?.inverse);
        own?.adjust(optimizer);
      }
    }
    const [plain, scaled] = await Promise.all(made.map(({ optimizer }) => optimizer.parameters.values.read()));
    expect(scaled).toEqual(plain);
    expect(await made[1].optimizer.readControl()).toEqual(await made[0].optimizer.readControl());
    expect(await scale.read()).toEqual({ scale: 4096, updates: 3, skipped: 0 });
  });

  test('halves where an update is skipped, doubles after 200 that are not, and stays within bounds', async () => {
    const optimizer = new Optimizer(store(), settings);
    const scale = new LossScale(device);
    const step = async (gradient: number) => {
      optimizer.begin(0);
      optimizer.parameters.get('weight').gradient!.write(new Float32Array(200).fill(gradient));
      optimizer.update(scale.inverse);
      scale.adjust(optimizer);
      return scale.read();
    };
    expect(await step(1)).toEqual({ scale: 4096, updates: 1, skipped: 0 });
    expect(await step(Number.POSITIVE_INFINITY)).toEqual({ scale: 2048, updates: 0, skipped: 1 });
    expect(await step(Number.NaN)).toEqual({ scale: 1024, updates: 0, skipped: 2 });
    scale.write({ scale: 1024, updates: 198, skipped: 2 });
    expect(await step(1)).toEqual({ scale: 1024, updates: 199, skipped: 2 });
    expect(await step(1)).toEqual({ scale: 2048, updates: 0, skipped: 2 });
    scale.write({ scale: 65536, updates: 199, skipped: 2 });
    expect(await step(1)).toEqual({ scale: 65536, updates: 0, skipped: 2 });
    scale.write({ scale: 1, updates: 5, skipped: 2 });
    expect(await step(Number.NaN)).toEqual({ scale: 1, updates: 0, skipped: 3 });
  });
});

/** Parameters, norm and loss scale after a step of two batches. */
async function step(precision: 'f32' | 'f16', scale?: number) {
  const settings = trainSettings({ batch: 2, accumulate: 2, precision });
  const net = new Detector(device, config, { seed: 1, precision });
  const learner = makeLearner(net, undefined, recipe, settings);
  const { optimizer, lossScale } = learner;
  if (scale !== undefined) lossScale?.write({ scale, updates: 0, skipped: 0 });
  const headLoss = new HeadLoss(device, { ...config, imageSize: SIZE, batch: 2, recipe });
  const history = new TermHistory(headLoss, 1, 2);
  const before = await net.parameters.values.read();
  const options = { ...SIZE, batch: 2, seed: 1, augment: false, shuffle: false, dropLast: true };
  let index = 0;
  for await (const batch of new Loader(source, options).batches(0)) {
    if (index < 2) trainStep({ ...learner, headLoss, history }, batch, 1e-3, undefined, 1, { index: index++, of: 2 });
  }
  const moved = (await net.parameters.values.read()).some((value, i) => value !== before[i]);
  const { norm, skipped } = await optimizer.readControl();
  const found = { norm, skipped, moved, scale: (await lossScale?.read())?.scale };
  history.dispose();
  learner.dispose();
  net.dispose();
  return found;
}

describe.skipIf(!hasHalf)('in f16', () => {
  test('a step has the gradients of f32, and too large a scale is halved', async () => {
    const [single, half] = [await step('f32'), await step('f16')];
    // As in test/detector/precision.test.ts: 9 ReLUs whose derivatives flip at some 2⁻¹¹ of the elements.
    expect(Math.abs(half.norm / single.norm - 1)).toBeLessThan(Math.sqrt(9 * 2 ** -11));
    expect(half).toMatchObject({ skipped: 0, moved: true, scale: 4096 });
    expect(await step('f16', 2 ** 60)).toMatchObject({ skipped: 1, moved: false, scale: 2 ** 59 });
  });

  test('a training goes on bit for bit, with its loss scale; the average is evaluated in any precision', async () => {
    const settings = { epochs: 2, batch: 2, evaluateEvery: 0, precision: 'f16' } as const;
    const folders = ['whole', 'stopped'].map((name) => join(root, name));
    const [whole, stopped] = folders;
    await train({ device, detector: config, source, settings, folder: whole });
    const stop = new AbortController();
    await train({
      ...{ device, detector: config, source, settings, folder: stopped, signal: stop.signal },
      checkpointEvery: { steps: 1 },
      onProgress: ({ kind }) => kind === 'step' && stop.abort(),
    });
    expect((await loadCheckpoint(stopped)).metadata.lossScale).toEqual({ scale: 4096, updates: 2, skipped: 0 });
    await resumeTraining({ device, source, folder: stopped });
    const [all, parts] = await Promise.all(folders.map((folder) => readFile(join(folder, CHECKPOINT))));
    expect(parts.equals(all)).toBe(true);
    expect(await readLog(whole)).toMatchObject([1, 2].map((epoch) => ({ epoch, lossScale: 4096, skippedUpdates: 0 })));
    const run = JSON.parse(await readFile(join(whole, 'run.json'), 'utf8'));
    expect(run.settings.precision).toBe('f16');

    const checkpoint = await loadCheckpoint(whole);
    const open = [
      restoreDetector(device, checkpoint, 'average'),
      restoreDetector(device, checkpoint, 'average', 'f32'),
    ];
    const bare = restoreDetector(await bareDevice(), checkpoint, 'average');
    expect([...open, bare].map(({ precision }) => precision)).toEqual(['f16', 'f32', 'f32']);
    for (const net of [...open, bare]) net.dispose();
    expect(() => makeLearner(open[1], undefined, recipe, checkpoint.metadata.settings)).toThrow(
      /precision: f16, but the net stores its maps in f32; give both the same/,
    );
  });
});

test('what cannot learn in f16 says so', async () => {
  const folder = join(root, 'refused');
  const settings = { precision: 'f16' } as const;
  await expect(train({ device: await bareDevice(), detector: config, source, settings, folder })).rejects.toThrow(
    /precision: f16 needs the feature shader-f16, .* take f32 \(--precision f32\)/,
  );
  const net = { config, featureChannels: 0 } as unknown as DetectionNet;
  expect(() => makeLearner(net, undefined, recipe, trainSettings(settings))).toThrow(
    /precision: f16, but the net stores its maps in f32; give both the same/,
  );
});
