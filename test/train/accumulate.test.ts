import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Loader } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { loadCheckpoint, restoreDetector } from '../../src/train/checkpoint.js';
import { sizesOf, stepNeeds } from '../../src/train/fits.js';
import { makeLearner } from '../../src/train/learner.js';
import type { TrainProgress } from '../../src/train/progress.js';
import { readLog } from '../../src/train/runFolder.js';
import { type TrainSettings, trainSettings } from '../../src/train/settings.js';
import { trainStep } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();
const SIZE = { width: 64, height: 64 };
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 5, ...SIZE });
const recipe = resolveRecipe('gfocal');
const shapes = (count: number, seed = 1) => shapesDataset({ count, ...SIZE, seed });

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-accumulate-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Of a new student after one step of these of three batches of two images. */
async function step(batches: readonly number[], given: Partial<TrainSettings> = {}) {
  const settings = trainSettings({ batch: 2, optimizer: 'sgd', momentum: 0, weightDecay: 0, clip: 0, ...given });
  const options = { ...SIZE, batch: 2, seed: 1, augment: false, shuffle: false, dropLast: true };
  const net = new Detector(device, config, { seed: 1 });
  const learner = makeLearner(net, undefined, recipe, settings);
  const headLoss = new HeadLoss(device, { ...config, imageSize: SIZE, batch: 2, recipe });
  const history = new TermHistory(headLoss, 1, settings.accumulate);
  const before = await net.parameters.values.read();
  const runs = vi.spyOn(device, 'run');
  let index = 0;
  let seen = 0;
  for await (const batch of new Loader(shapes(6), options).batches(0)) {
    if (!batches.includes(seen++)) continue;
    trainStep({ ...learner, headLoss, history }, batch, 1, undefined, 1, { index: index++, of: settings.accumulate });
  }
  const dispatches = runs.mock.calls.length;
  runs.mockRestore();
  const [terms] = await history.take(1);
  const after = await net.parameters.values.read();
  const { norm } = await learner.optimizer.readControl();
  const change = net.parameters.split(Float32Array.from(after, (value, i) => before[i] - value));
  history.dispose();
  learner.dispose();
  net.dispose();
  return { change, terms, norm, dispatches };
}

test('an update moves the parameters by the mean of the gradients, and its terms are the means', async () => {
  const alone = [await step([0]), await step([1]), await step([2])];
  const together = await step([0, 1, 2], { accumulate: 3 });
  for (const [name, { data }] of together.change) {
    const parts = alone.map(({ change }) => change.get(name)?.data ?? new Float32Array());
    const scale = Math.max(...parts.flatMap((part) => [...part].map(Math.abs)), 1e-3);
    for (const [i, value] of data.entries()) {
      const mean = (parts[0][i] + parts[1][i] + parts[2][i]) / 3;
      // Differences of values near 1: a rounding of theirs is up to 6e-8.
      expect(Math.abs(value - mean), name).toBeLessThan(1e-5 * scale + 3e-7);
    }
  }
  for (const [i, value] of together.terms.entries()) {
    const mean = alone.reduce((sum, { terms }) => sum + terms[i], 0) / 3;
    expect(Math.abs(value - mean)).toBeLessThan(1e-6 * Math.max(1, Math.abs(mean)));
  }
  const flat = [...together.change.values()].flatMap(({ data }) => [...data]);
  expect(Math.abs(together.norm / Math.hypot(...flat) - 1)).toBeLessThan(1e-4);
});

test('what is frozen is not moved, and nothing is computed that only it needs', async () => {
  const [all, head] = [await step([0]), await step([0], { freeze: ['backbone.*', 'neck.*'] })];
  for (const [name, { data }] of head.change) {
    expect(
      data.some((value) => value !== 0),
      name,
    ).toBe(name.startsWith('head.'));
    if (name.startsWith('head.')) expect(data).toEqual(all.change.get(name)?.data);
  }
  expect(head.norm).toBeLessThan(all.norm);
  // A backbone of eleven convolutions with norms has some hundred passes back.
  expect(all.dispatches - head.dispatches).toBeGreaterThan(50);
});

const options = (name: string): TrainOptions => ({
  ...{ device, source: shapes(11), validation: shapes(2, 2), folder: join(root, name), detector: config, recipe },
  settings: {
    ...{ epochs: 2, batch: 2, accumulate: 2, warmupSteps: 2, ema: 0.9, evaluateEvery: 2 },
    ...{ freeze: ['backbone.stem*'], learningRates: [{ parameters: 'backbone.*', factor: 0.1 }] },
  },
});

test('steps, schedule and log count updates; a training that stops after every step ends with the same bits', async () => {
  const straight = await train(options('straight'));
  expect(straight).toMatchObject({ interrupted: false, step: 4, last: { epoch: 2, step: 4 } });
  const { detector: _, recipe: __, settings: ___, ...context } = options('stopped');
  const signal = AbortSignal.abort();
  expect(await train({ ...options('stopped'), signal })).toMatchObject({ interrupted: true, step: 1, advice: null });
  for (const step of [2, 3, 4]) expect(await resumeTraining({ ...context, signal })).toMatchObject({ step });
  expect(await resumeTraining(context)).toMatchObject({ interrupted: false, step: 4 });
  const traces = async (name: string) => {
    const file = await readFile(join(root, name, 'checkpoint.safetensors'));
    const log = await readLog(join(root, name));
    return [file.toString('base64'), log.map((entry) => ({ ...entry, imagesPerSecond: 0, seconds: 0 }))];
  };
  expect(await traces('stopped')).toEqual(await traces('straight'));

  const checkpoint = await loadCheckpoint(join(root, 'straight'));
  expect(checkpoint.metadata).toMatchObject({ step: 4, stepsPerEpoch: 2 });
  const [trained, initial] = [
    restoreDetector(device, checkpoint, 'trained'),
    new Detector(device, config, { seed: 0 }),
  ];
  for (const [name, isMoved] of [
    ['backbone.stem1.conv.weight', false],
    ['backbone.stage1.1.conv.weight', true],
  ] as const) {
    const [now, then] = [trained, initial].map((net) => net.parameters.get(name).value.read());
    if (isMoved) expect(await now).not.toEqual(await then);
    else expect(await now).toEqual(await then);
  }
  trained.dispose();
  initial.dispose();
});

test('a batch that kernels do not see at once trains in parts, as the same batch and accumulate by hand', async () => {
  // Of images so large that two of them have less than the parameters, and four more.
  const large = { ...config, width: 128, height: 128 };
  const own = (name: string, settings: Partial<TrainSettings>) => ({
    ...options(name),
    detector: large,
    settings: { ...options(name).settings, epochs: 1, ...settings },
  });
  const sizes = { net: sizesOf(large), recipe, settings: trainSettings(), teacher: null };
  const binding: { bytes: number } = device.largestBinding;
  const { bytes } = binding;
  binding.bytes = stepNeeds(device, sizes)(2).bytes;
  const warnings: string[] = [];
  const onProgress = (event: TrainProgress) => {
    if (event.kind === 'warning') warnings.push(event.message);
  };
  try {
    const tooLarge = own('split', { batch: 4, accumulate: 1 });
    await expect(train(tooLarge)).rejects.toThrow('The largest batch that fits is 2;');
    await train({ ...tooLarge, splitBatch: true, onProgress });
  } finally {
    binding.bytes = bytes;
  }
  expect(warnings.filter((text) => text.startsWith('batch: '))).toEqual([
    expect.stringMatching(
      /^batch: kernels on .* do not see 4 images of 128×128 at once .* adds the gradients of 2 batches of 2,/,
    ),
  ]);
  await train({ ...own('by hand', { batch: 2, accumulate: 2 }), splitBatch: true });
  const [split, byHand] = await Promise.all(
    ['split', 'by hand'].map((name) => readFile(join(root, name, 'checkpoint.safetensors'))),
  );
  expect(split.equals(byHand)).toBe(true);
});

test('fewer images than a step has, and a pattern that matches nothing, are refused before anything is written', async () => {
  const refused = (settings: Partial<TrainSettings>) => train({ ...options('refused'), settings });
  await expect(refused({ batch: 2, accumulate: 6 })).rejects.toThrow(
    'batch is 2 and accumulate 6 but there are 11 images; make it smaller',
  );
  await expect(refused({ batch: 2, freeze: ['stem*'] })).rejects.toThrow(/^freeze: no parameter matches stem\*/);
  await expect(readLog(join(root, 'refused'))).rejects.toThrow(/cannot be read/);
});
