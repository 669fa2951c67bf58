import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/data/safetensors.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import type { Device } from '../../src/tensor/device.js';
import {
  type CheckpointMetadata,
  loadCheckpoint,
  restoreDetector,
  restoreLearner,
  saveCheckpoint,
} from '../../src/train/checkpoint.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { trainSettings } from '../../src/train/settings.js';
import { InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

let device: Device;
let folder: string;
beforeAll(async () => {
  device = await sharedDevice();
  folder = await mkdtemp(join(tmpdir(), 'edgewise-checkpoint-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const config = detectorConfig({ size: 'tiny', classes: 3, width: 64, height: 64 });
const metadata: Omit<CheckpointMetadata, 'version'> = {
  detector: config,
  recipe: resolveRecipe('main-ld'),
  classes: ['one', 'two', 'three'].map((name, i) => ({ id: i + 1, name })),
  settings: trainSettings({ optimizer: 'adamw', ema: 0.9, seed: 4 }),
  choices: { 'tile.workgroup': 32 },
  teacherCache: false,
  step: 17,
  stepsPerEpoch: 10,
  epochTerms: Array.from({ length: TERM_NAMES.length * config.strides.length }, (_, i) => 0.1 + 2 ** -i),
  bestAp: 0.25,
  last: null,
};

/** A detector and an optimizer whose tensors all differ. */
async function save(name: string, options?: { withState: boolean }, changes: Partial<typeof metadata> = {}) {
  const detector = new Detector(device, config, { seed: 4 });
  const optimizer = new Optimizer(detector.parameters, metadata.settings);
  detector.parameters.gradients.write(new Float32Array(detector.parameters.gradients.size).fill(0.5));
  optimizer.begin(0.1);
  optimizer.update();
  const file = join(folder, name);
  await saveCheckpoint(file, { optimizer, adapter: null, cross: null }, { ...metadata, ...changes }, options);
  return { file, detector, optimizer };
}

test('a version without IoU distillation had 0 of it', async () => {
  const levels = config.strides.length;
  const { epochTerms: known } = metadata;
  const at = levels * TERM_NAMES.indexOf('loss_ld_iou');
  const older = [...known.slice(0, at), ...known.slice(at + levels)];
  const { file } = await save('older.safetensors', undefined, { epochTerms: older });
  const { epochTerms } = (await loadCheckpoint(file)).metadata;
  expect(epochTerms).toEqual(known.map((value, i) => (i >= at && i < at + levels ? 0 : value)));
});

test('parameters, average, memory and metadata come back bit for bit, by file and by folder', async () => {
  const { detector, optimizer } = await save('checkpoint.safetensors');
  const checkpoint = await loadCheckpoint(folder);
  expect(checkpoint.metadata).toEqual({ ...metadata, version: checkpoint.metadata.version });

  const restored = restoreDetector(device, checkpoint, 'trained');
  const again = new Optimizer(restored.parameters, checkpoint.metadata.settings);
  restoreLearner({ optimizer: again, adapter: null, cross: null, lossScale: null }, checkpoint);
  const averaged = restoreDetector(device, checkpoint, 'average');
  expect(again.updates).toBe(17);
  const name = 'head.classLogits.weight';
  const pick = async (store: Detector['parameters'], flat = store.values) =>
    store.split((await flat.read()) as Float32Array).get(name)?.data;
  const pairs = [
    [await pick(detector.parameters), await pick(restored.parameters)],
    [await pick(detector.parameters, optimizer.average!), await pick(averaged.parameters)],
    [await pick(detector.parameters, optimizer.average!), await pick(restored.parameters, again.average!)],
    [await pick(detector.parameters, optimizer.state.first), await pick(restored.parameters, again.state.first)],
    [await pick(detector.parameters, optimizer.state.second), await pick(restored.parameters, again.state.second)],
  ];
  for (const [expected, actual] of pairs) expect(actual).toEqual(expected);
  expect(new Set(pairs.map(([expected]) => expected?.[0])).size).toBe(4);
});

test('a checkpoint cut in half is refused', async () => {
  const { file } = await save('whole.safetensors');
  const bytes = await readFile(file);
  const half = join(folder, 'half.safetensors');
  await writeFile(half, bytes.subarray(0, bytes.length / 2));
  await expect(loadCheckpoint(half)).rejects.toThrow(/half.safetensors is not a whole safetensors file: cut short/);
  await expect(loadCheckpoint(half)).rejects.toThrow(InputError);
});

test('a missing checkpoint, and a safetensors file of something else, are refused', async () => {
  await expect(loadCheckpoint(join(folder, 'none'))).rejects.toThrow(/none cannot be read/);
  const other = join(folder, 'other.safetensors');
  await writeSafetensors(other, [['x', { dtype: 'F32', shape: [1], data: new Float32Array(1) }]]);
  await expect(loadCheckpoint(other)).rejects.toThrow(/no checkpoint of edgewise/);
});

test('parameters of another model are refused by name', async () => {
  const { file } = await save('good.safetensors');
  const { tensors, metadata: text } = await readSafetensors(file);
  const read = async (name: string) => {
    await writeSafetensors(join(folder, name), tensors, text);
    return restoreDetector(device, await loadCheckpoint(join(folder, name)), 'trained');
  };
  const weight = tensors.get('head.classLogits.weight')!;
  tensors.set('head.classLogits.weight', { ...weight, shape: [...weight.shape].reverse() } as typeof weight);
  await expect(read('reshaped.safetensors')).rejects.toThrow(/head.classLogits.weight: shape/);
  tensors.delete('head.classLogits.weight');
  await expect(read('lacking.safetensors')).rejects.toThrow(/head.classLogits.weight: it is missing/);
  await writeSafetensors(join(folder, 'strange.safetensors'), [], { edgewise: '{"detector":{"size":"huge"}}' });
  await expect(loadCheckpoint(join(folder, 'strange.safetensors'))).rejects.toThrow(
    /does not understand.*classes is missing/,
  );
});

test('a checkpoint with NaN in a weight, its average or the memory is refused by name', async () => {
  const { file } = await save('finite.safetensors');
  const { tensors, metadata: text } = await readSafetensors(file);
  for (const name of ['head.levelScales', 'ema.head.levelScales', 'optimizer.first.head.levelScales']) {
    const whole = tensors.get(name)!;
    const broken = { ...whole, data: Float32Array.of(1, Number.NaN, 1) } as typeof whole;
    await writeSafetensors(join(folder, 'nan.safetensors'), [...tensors, [`${name}2`, broken]], text);
    const message = `nan.safetensors: ${name}2[1] is NaN`;
    await expect(loadCheckpoint(join(folder, 'nan.safetensors'))).rejects.toThrow(message);
  }
});

test('a checkpoint without the memory evaluates, but no training goes on from it', async () => {
  const { file, optimizer } = await save('best.safetensors', { withState: false });
  const checkpoint = await loadCheckpoint(file);
  restoreDetector(device, checkpoint, 'average').dispose();
  expect(() => restoreLearner({ optimizer, adapter: null, cross: null, lossScale: null }, checkpoint)).toThrow(
    /holds no optimizer.first/,
  );
});
