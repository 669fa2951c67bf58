import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../src/data/safetensors.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import type { Device } from '../../src/tensor/device.js';
import { loadCheckpoint, restoreDetector } from '../../src/train/checkpoint.js';
import { readLog, readRun } from '../../src/train/runFolder.js';
import { shareRun } from '../../src/train/shareRun.js';
import { type TrainOptions, train } from '../../src/train/train.js';
import { applyWeights, loadWeights, saveWeights, type Weights, weightsOf } from '../../src/train/weights.js';
import { InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

let device: Device;
let folder: string;
beforeAll(async () => {
  device = await sharedDevice();
  folder = await mkdtemp(join(tmpdir(), 'edgewise-weights-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const config = detectorConfig({ size: 'tiny', classes: 3, width: 32, height: 32 });

/** A training of one step. */
const short = (name: string, rest: Partial<TrainOptions> = {}): TrainOptions => ({
  device,
  source: shapesDataset({ count: 2, width: 32, height: 32, seed: 1 }),
  folder: join(folder, name),
  detector: config,
  settings: { epochs: 1, batch: 2, warmupSteps: 0, ema: 0.5, evaluateEvery: 0 },
  ...rest,
});

test('averaged weights come back bit for bit, and a training starts from them', async () => {
  await train(short('first'));
  const checkpoint = await loadCheckpoint(join(folder, 'first'));
  const file = join(folder, 'weights.safetensors');
  await saveWeights(file, checkpoint);

  const averaged = restoreDetector(device, checkpoint, 'average');
  const expected = await averaged.parameters.values.read();
  expect(expected).not.toEqual(await restoreDetector(device, checkpoint, 'trained').parameters.values.read());
  // The file of weights and the checkpoint itself say the same.
  for (const from of [file, join(folder, 'first', 'checkpoint.safetensors')]) {
    const detector = new Detector(device, config, { seed: 5 });
    applyWeights(detector, await loadWeights(from));
    expect(await detector.parameters.values.read()).toEqual(expected);
  }

  const { tensors, metadata } = await readSafetensors(file);
  expect([...tensors.keys()].sort()).toEqual([...averaged.parameters.names].sort());
  expect(JSON.parse(metadata.detector)).toEqual(config);
  expect(JSON.parse(metadata.classes)).toEqual(checkpoint.metadata.classes);

  // A step of next to no length: what was started from is what is kept.
  const settings = { ...short('').settings, learningRate: 1e-30, weightDecay: 0, seed: 8 };
  await train(short('second', { weights: await loadWeights(file), settings }));
  const kept = weightsOf(await loadCheckpoint(join(folder, 'second')));
  for (const [name, { data }] of await loadWeights(file)) {
    data.forEach((value, i) => {
      expect(Math.abs((kept.get(name)?.data[i] ?? Number.NaN) - value)).toBeLessThan(1e-20);
    });
  }
});

test('missing, unexpected and reshaped weights are named', async () => {
  const detector = new Detector(device, config, { seed: 1 });
  const whole = detector.parameters.split((await detector.parameters.values.read()) as Float32Array);
  const changed = (
    change: (weights: Map<string, { shape: readonly number[]; data: Float32Array }>) => void,
  ): Weights => {
    const weights = new Map(whole);
    change(weights);
    return weights;
  };
  const part = { shape: [1], data: new Float32Array(1) };
  const renamed = changed((weights) => {
    weights.delete('neck.lateral1.weight');
    weights.set('fpn.lateral1.weight', part);
  });
  expect(() => applyWeights(detector, renamed)).toThrow(
    /missing: neck.lateral1.weight; unexpected: fpn.lateral1.weight\. A tiny detector/,
  );
  const reshaped = changed((weights) => weights.set('head.classLogits.bias', part));
  expect(() => applyWeights(detector, reshaped)).toThrow(
    /head.classLogits.bias is \[1\], expected \[3\]; .*classes \(3\)/,
  );
  expect(() => applyWeights(detector, new Map())).toThrow(/and \d+ more/);
  const [name, { shape, data }] = [...whole][7];
  const broken = changed((weights) => weights.set(name, { shape, data: data.map((x, i) => (i === 1 ? Infinity : x)) }));
  expect(() => applyWeights(detector, broken)).toThrow(`weights: ${name}[1] is Infinity`);
  // The same through a training, before its folder is made.
  await expect(train(short('refused', { weights: reshaped }))).rejects.toThrow(/head.classLogits.bias/);

  const integers: StoredTensor = { dtype: 'I32', shape: [1], data: new Int32Array(1) };
  const file = join(folder, 'others.safetensors');
  await writeSafetensors(file, [['head.classLogits.bias', integers]]);
  await expect(loadWeights(file)).rejects.toThrow(/head.classLogits.bias is of type I32; convert/);
  const infinite: StoredTensor = { dtype: 'F32', shape: [2], data: Float32Array.of(0, -Infinity) };
  await writeSafetensors(file, [['head.classLogits.bias', infinite]]);
  await expect(loadWeights(file)).rejects.toThrow(/others.safetensors: head.classLogits.bias\[1\] is -Infinity/);
});

test('parts of the weights are taken alone: the rest keeps its random start, whatever the weights have for it', async () => {
  const source = new Detector(device, config, { seed: 1 });
  const values = source.parameters.split((await source.parameters.values.read()) as Float32Array) as Weights;
  const others = new Map([...values].filter(([name]) => !name.startsWith('head.')));
  others.set('head.classLogits.bias', { shape: [80], data: new Float32Array(80).fill(Number.NaN) }); // of another detector
  const detector = new Detector(device, config, { seed: 2 });
  const before = detector.parameters.split((await detector.parameters.values.read()) as Float32Array);
  applyWeights(detector, others, ['backbone', 'neck']);
  const after = detector.parameters.split((await detector.parameters.values.read()) as Float32Array);
  for (const [name, { data }] of after) {
    expect(data, name).toEqual((name.startsWith('head.') ? before : values).get(name)?.data);
  }
  expect(() => applyWeights(detector, others, ['backbone', 'head'])).toThrow(/missing: head\.class1\.conv\.weight/);
});

test('a run in short teaches as the run does to half a float, and names no path', async () => {
  await train(short('long'));
  const from = join(folder, 'long');
  const to = join(folder, 'short');
  await shareRun(from, to);
  const exact = weightsOf(await loadCheckpoint(from));
  const shared = weightsOf(await loadCheckpoint(to));
  expect([...shared.keys()]).toEqual([...exact.keys()]);
  for (const [name, { data }] of shared) {
    for (const [i, value] of data.entries()) {
      const wanted = exact.get(name)!.data[i];
      expect(Math.abs(value - wanted), name).toBeLessThanOrEqual(2 ** -11 * Math.abs(wanted) + 2 ** -25);
    }
  }
  expect(await readLog(to)).toEqual(await readLog(from));
  expect(await readRun(to)).toEqual({ ...(await readRun(from)), data: null, teacherRun: null });
  expect((await loadCheckpoint(to)).metadata).toEqual((await loadCheckpoint(from)).metadata);
  await expect(shareRun(from, to)).rejects.toThrow(/holds a run already/);
  await expect(shareRun(from, from)).rejects.toThrow(InputError);
});
