import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Variable } from '../../src/autograd/variable.js';
import { shapesDataset } from '../../src/data/shapes.js';
import { chooseDetections } from '../../src/detector/choose.js';
import { detectorConfig } from '../../src/detector/config.js';
import { decode } from '../../src/detector/decode.js';
import { Detector } from '../../src/detector/detector.js';
import { TERM_NAMES } from '../../src/losses/headTerms.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { exportOnnx } from '../../src/onnx/export.js';
import { hostOutputs } from '../../src/onnx/judge.js';
import { OnnxTeacher } from '../../src/onnx/teacher.js';
import type { Device } from '../../src/tensor/device.js';
import { Pyramid } from '../../src/tensor/pyramid.js';
import { Random } from '../../src/tensor/random.js';
import type { TrainProgress } from '../../src/train/progress.js';
import { readLog, readRun } from '../../src/train/runFolder.js';
import { type TrainOptions, train } from '../../src/train/train.js';
import { sharedDevice } from '../device.js';
import { FAMILIES, type Family, ofFamily } from './families.js';

let device: Device;
let root: string;
let built: Detector;
let exported: Uint8Array;
beforeAll(async () => {
  device = await sharedDevice();
  root = await mkdtemp(join(tmpdir(), 'edgewise-onnx-'));
  built = new Detector(device, config, { seed: 9 });
  const { parameters } = built;
  // Freshly initialised heads say nearly nothing: these say something everywhere.
  const random = Random.of(4);
  const values = (await parameters.values.read()) as Float32Array;
  const weights = parameters.split(values.map((value) => value + 0.05 * random.normal()));
  parameters.values.write(parameters.join(weights));
  exported = await exportOnnx({ detector: config, recipe: resolveRecipe('gfocal'), classes: CLASSES, weights });
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

const SIZE = { width: 96, height: 64 };
// Of the student's size, so that SwiftShader has fewer pipelines to compile.
const config = detectorConfig({ size: 'tiny', classes: 3, bins: 9, ...SIZE });
const NAMES = ['ellipse', 'rectangle', 'triangle'];
const CLASSES = NAMES.map((name, id) => ({ id, name }));

function open(family: Family, rename = {}) {
  const { model, mapping } = ofFamily(exported, family, config);
  const options = { model, mapping: { ...mapping, classes: NAMES, ...rename }, classes: NAMES, ...SIZE };
  return OnnxTeacher.open(device, options);
}

/** Logits of a batch by the built-in detector, on the host. */
async function ownLogits(images: Float32Array, batch: number) {
  const input = device.tensor(images);
  const outputs = built.forward(Pyramid.of(input, batch, 3, [SIZE]), { training: false });
  const classLogits = await outputs.classLogits.value.read();
  const boxLogits = await outputs.boxLogits.value.read();
  input.dispose();
  for (const { value } of Object.values(outputs)) value.dispose();
  return { classLogits, boxLogits };
}

function worst(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let most = 0;
  for (let i = 0; i < expected.length; i++) most = Math.max(most, Math.abs(actual[i] - expected[i]));
  return most;
}

function randomImages(batch: number): Float32Array {
  const random = Random.of(batch);
  return Float32Array.from({ length: batch * 3 * SIZE.width * SIZE.height }, () => random.normal());
}

test.each(FAMILIES)('a model that looks like %s gives the logits of the detector inside it', async (family) => {
  const teacher = await open(family);
  for (const batch of [1, 3]) {
    const images = randomImages(batch);
    const expected = await ownLogits(images, batch);
    const found = await teacher.model.run(images, batch);
    const spread = Math.max(...expected.boxLogits) - Math.min(...expected.boxLogits);
    expect(spread).toBeGreaterThan(1);
    expect(worst(found.boxLogits, expected.boxLogits)).toBeLessThan(1e-4);
    // The logit of a score in f32: the score's 24 bits are spread thin near 1.
    expect(worst(found.classLogits, expected.classLogits)).toBeLessThan(1e-3);
  }
  await teacher.release();
});

test('classes in another order, with other names, and one that the model does not know', async () => {
  const teacher = await open('gfocal', {
    classes: ['tri', 'other', 'ellipse'],
    classMap: { triangle: 'tri', rectangle: null },
  });
  expect(teacher.model.unknownClasses).toEqual(['rectangle']);
  const images = randomImages(2);
  const { classLogits: expected } = await ownLogits(images, 2);
  const { classLogits: found } = await teacher.model.run(images, 2);
  let at = 0;
  for (const stride of config.strides) {
    const area = (SIZE.width / stride) * (SIZE.height / stride);
    for (let image = 0; image < 2; image++) {
      const plane = (of: Float32Array, channel: number) =>
        Array.from(of.subarray(at + channel * area, at + (channel + 1) * area));
      const own = expected as Float32Array;
      expect(worst(plane(found, 0), plane(own, 2))).toBeLessThan(1e-4);
      expect(plane(found, 1)).toEqual(new Array(area).fill(-20));
      expect(worst(plane(found, 2), plane(own, 0))).toBeLessThan(1e-4);
      at += 3 * area;
    }
  }
  await teacher.release();
});

test('detections are the same where a model is judged, on the host, as where it is evaluated', async () => {
  const teacher = await open('nanodet', { centreOffset: 0.5 });
  const batch = 2;
  const { classLogits, boxLogits } = await teacher.model.run(randomImages(batch), batch);
  const sizes = config.strides.map((stride) => ({ width: SIZE.width / stride, height: SIZE.height / stride }));
  const maps = (channels: number, values: Float32Array) =>
    new Variable(Pyramid.of(device.tensor(values), batch, channels, sizes));
  const outputs = { classLogits: maps(3, classLogits), boxLogits: maps(4 * config.bins, boxLogits) };
  // Random weights find nothing above the usual threshold.
  const options = { scoreThreshold: 0 };
  const expected = await decode(outputs, config, { ...options, recipe: teacher.recipe });
  for (const { value } of Object.values(outputs)) value.dispose();
  const host = hostOutputs({ classLogits, boxLogits }, teacher.model.mapping, { ...SIZE, images: batch, classes: 3 });
  for (const [image, { boxes, labels, locations, scores }] of expected.entries()) {
    const found = chooseDetections(host, image, SIZE, options);
    expect(found.scores.length).toBeGreaterThan(3);
    expect([found.labels, found.locations, found.scores]).toEqual([labels, locations, scores]);
    expect(worst(found.boxes, boxes)).toBeLessThan(1e-3);
  }
  await teacher.release();
});

/** Two steps, then an evaluation of two batches. */
const short = (name: string, rest: Partial<TrainOptions>): TrainOptions => ({
  device,
  source: shapesDataset({ count: 5, ...SIZE, seed: 1 }),
  validation: shapesDataset({ count: 3, ...SIZE, seed: 2 }),
  folder: join(root, name),
  detector: config,
  recipe: 'main-kd+main-ld+vlr-ld',
  settings: { epochs: 1, batch: 2, warmupSteps: 2, ema: 0.9, seed: 3 },
  ...rest,
});

const termsOf = async (name: string) =>
  (await readLog(join(root, name))).flatMap(({ terms }) => TERM_NAMES.map((term) => terms[term]));

/** Terms of a training differ by no more than a share of their size. */
async function expectSameTerms(name: string, other: string, tolerance: number) {
  const [found, expected] = [await termsOf(name), await termsOf(other)];
  expect(expected[TERM_NAMES.indexOf('loss_ld')]).toBeGreaterThan(0);
  found.forEach((term, i) => {
    expect(Math.abs(term - expected[i])).toBeLessThanOrEqual(tolerance * Math.abs(expected[i]) + 1e-7);
  });
}

test('a student learns the same from the ONNX model as from the detector, also through a cache', async () => {
  const teacher = await open('nanodet');
  const run = vi.spyOn(teacher.model, 'run');
  const teacherCache = join(root, 'cache');
  await train(short('built', { teacher: built }));
  await train(short('cached', { teacher, teacherCache }));
  expect(run).toHaveBeenCalledTimes(4);
  await train(short('found', { teacher, teacherCache }));
  expect(run).toHaveBeenCalledTimes(4);
  // Half floats have 11 bits.
  await expectSameTerms('cached', 'built', 2e-3);
  expect(await termsOf('found')).toEqual(await termsOf('cached'));
  const [{ agreement }] = await readLog(join(root, 'found'));
  const [{ agreement: own }] = await readLog(join(root, 'built'));
  expect(agreement?.all.locations).toBe(own?.all.locations);
  expect(agreement?.all.localizationError).toBeCloseTo(own?.all.localizationError ?? Number.NaN, 2);
  expect(await readRun(join(root, 'cached'))).toMatchObject({ teacher: teacher.config, teacherCache: true });
  expect((await readdir(teacherCache)).length).toBe(2);
  await teacher.release();
});

test('the same without a cache, and no memory stays behind', async () => {
  const teacher = await open('yolov8');
  const used = device.pool.usedBytes;
  await train(short('onnx', { teacher }));
  // f32 in both, added up in another order.
  await expectSameTerms('onnx', 'built', 1e-4);
  expect(device.pool.usedBytes).toBe(used);
  await teacher.release();
});

test('a teacher without features is refused, one of other bins is brought into the bins of the student', async () => {
  const teacher = await open('gfocal');
  const imitating = short('refused', { teacher, recipe: 'main-kd+main-ld+vlr-ld+imitation-inside' });
  await expect(train(imitating)).rejects.toThrow(/imitates features, but the teacher gives logits alone/);
  const warnings: string[] = [];
  const onProgress = (progress: TrainProgress) => {
    if (progress.kind === 'warning') warnings.push(progress.message);
  };
  const detector = { ...config, bins: 17 };
  await train(short('rebinned', { teacher, detector, onProgress }));
  expect(warnings).toEqual(['the teacher: 9 → 17 bins, re-binned.']);
  const terms = (await readLog(join(root, 'rebinned'))).map((entry) => entry.terms.loss_ld + entry.terms.loss_ld_vlr);
  expect(terms.every((term) => term > 0)).toBe(true);
  await teacher.release();
});
