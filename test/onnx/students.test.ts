import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { exportOnnx } from '../../src/onnx/export.js';
import { exportOnnxStudent, openStudent, restoreNet } from '../../src/onnx/students.js';
import { OnnxTeacher } from '../../src/onnx/teacher.js';
import type { StoredType } from '../../src/tensor/stored.js';
import { loadCheckpoint, restoreDetector } from '../../src/train/checkpoint.js';
import { evaluate } from '../../src/train/evaluate.js';
import { readLog, readRun } from '../../src/train/runFolder.js';
import { shareRun } from '../../src/train/shareRun.js';
import { resumeTraining, type TrainOptions, train } from '../../src/train/train.js';
import { bareDevice, sharedDevice } from '../device.js';
import { ofFamily } from './families.js';

const device = await sharedDevice();
const SIZE = { width: 64, height: 64 };
const config = detectorConfig({ size: 'tiny', classes: 2, bins: 5, ...SIZE });
const NAMES = ['ellipse', 'rectangle', 'triangle'];
const shapes = (count: number, seed = 1) => shapesDataset({ count, ...SIZE, seed });

let root: string;
/** As NanoDet's: boxes and classes in one tensor, scores behind a sigmoid, blue green red; it knows one of the data's classes. */
let given: ReturnType<typeof ofFamily>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-students-'));
  const net = new Detector(device, config, { seed: 9 });
  const weights = net.parameters.split((await net.parameters.values.read()) as Float32Array);
  net.dispose();
  const classes = ['triangle', 'star'].map((name, id) => ({ id, name }));
  const made = ofFamily(
    await exportOnnx({ detector: config, recipe: resolveRecipe('gfocal'), classes, weights }),
    'nanodet',
    config,
  );
  given = { model: made.model, mapping: { ...made.mapping, centreOffset: 0.25, classes: ['triangle', 'star'] } };
});
afterAll(() => rm(root, { recursive: true }));

const open = (precision: StoredType = 'f32') =>
  openStudent(device, {
    ...given,
    precision,
    name: '/tmp/somebody/nano.onnx',
    classes: NAMES,
    ...SIZE,
    newClasses: true,
    seed: 3,
    prior: 0.3, // so that it finds something at once
  });
const context = (name: string) => ({
  ...{ device, source: shapes(7), validation: shapes(3, 2), folder: join(root, name), restore: restoreNet },
});
const settings = { epochs: 1, batch: 2, warmupSteps: 1, ema: 0.9, freeze: ['backbone.stem*'] };

async function trained(name: string, more: Partial<TrainOptions> = {}) {
  const student = await open(more.settings?.precision);
  try {
    return await train({ ...context(name), student, recipe: 'nanodet', settings, ...more });
  } finally {
    student.net.dispose();
  }
}
const checkpointOf = async (name: string) =>
  (await readFile(join(root, name, 'checkpoint.safetensors'))).toString('base64');

test('three steps of an ONNX model, at once or stopped after each, end in the same bits', async () => {
  expect(await trained('straight')).toMatchObject({ interrupted: false, step: 3, last: { epoch: 1 } });
  const signal = AbortSignal.abort();
  expect(await trained('stopped', { signal })).toMatchObject({ interrupted: true, step: 1 });
  expect(await resumeTraining({ ...context('stopped'), signal })).toMatchObject({ step: 2 });
  expect(await resumeTraining(context('stopped'))).toMatchObject({ interrupted: false, step: 3 });
  expect(await checkpointOf('stopped')).toBe(await checkpointOf('straight'));

  const { student, detector, recipe } = (await loadCheckpoint(join(root, 'straight'))).metadata;
  expect(student).toMatchObject({ kind: 'onnx', name: 'nano.onnx', mapping: { classes: NAMES } });
  expect(detector).toEqual({ classes: 3, bins: 5, strides: [8, 16, 32], ...SIZE });
  // The model's, whatever the recipe says.
  expect(recipe.regions).toMatchObject({ octaveScale: 5, centreOffset: 0.25 });
  expect(await readRun(join(root, 'straight'))).toMatchObject({ student, detector });
  const mapping = JSON.parse(await readFile(join(root, 'straight', 'student.mapping.json'), 'utf8'));
  expect(mapping).toEqual(student?.mapping);
});

test.skipIf(!device.gpu.features.has('shader-f16'))(
  'in f16, too, it goes on bit for bit; its checkpoint opens in f16, and in f32 where there is no other',
  async () => {
    const half = { settings: { ...settings, precision: 'f16' } } as const;
    await trained('half', half);
    expect(await trained('half-stopped', { ...half, signal: AbortSignal.abort() })).toMatchObject({ step: 1 });
    expect(await resumeTraining(context('half-stopped'))).toMatchObject({ interrupted: false, step: 3 });
    expect(await checkpointOf('half-stopped')).toBe(await checkpointOf('half'));
    expect(await readLog(join(root, 'half'))).toMatchObject([{ lossScale: 4096, skippedUpdates: 0 }]);
    const [{ last: single }, { last }] = await Promise.all(
      ['straight', 'half'].map(async (name) => (await loadCheckpoint(join(root, name))).metadata),
    );
    expect(last?.loss).not.toBe(single?.loss);
    expect(last?.loss).toBeCloseTo(single?.loss ?? 0, 1);

    const checkpoint = await loadCheckpoint(join(root, 'half'));
    const nets = [
      await restoreNet(device, checkpoint, 'average'),
      await restoreNet(device, checkpoint, 'average', 'f32'),
      await restoreNet(await bareDevice(), checkpoint, 'average'),
    ];
    expect(nets.map(({ precision }) => precision)).toEqual(['f16', 'f32', 'f32']);
    for (const net of nets) net.dispose();
    await expect(restoreNet(await bareDevice(), checkpoint, 'trained')).rejects.toThrow(
      /f16 needs the feature shader-f16/,
    );
  },
);

test('the file that comes back is what was trained: ONNX Runtime finds in it what the run finds', async () => {
  const checkpoint = await loadCheckpoint(join(root, 'straight'));
  const { model, mapping } = await exportOnnxStudent(checkpoint);
  expect(Buffer.from(model).equals(await readFile(join(root, 'straight', 'student.onnx')))).toBe(false);
  const net = await restoreNet(device, checkpoint, 'average');
  const teacher = await OnnxTeacher.open(device, { model, mapping, classes: NAMES, ...SIZE });
  const found = await evaluate(net, { source: shapes(3, 2), batch: 2, teacher, recipe: checkpoint.metadata.recipe });
  const alone = await evaluate(teacher, { source: shapes(3, 2), batch: 2 });
  expect(alone?.detections.length).toBeGreaterThan(0);
  expect(found?.averagePrecision.stats).toEqual(alone?.averagePrecision.stats);
  const { localizationError, classificationError, totalVariation } = found?.agreement?.all ?? {};
  for (const error of [localizationError, classificationError, totalVariation]) expect(error).toBeLessThan(1e-4);
  net.dispose();
  await teacher.release();
});

test('a model is decoded from where its mapping says, by any recipe or none', async () => {
  const { net } = await open();
  const found = [];
  for (const recipe of [resolveRecipe({ regions: { centreOffset: 0.25 } }), resolveRecipe('nanodet'), undefined]) {
    found.push((await evaluate(net, { source: shapes(3, 2), batch: 2, ...(recipe && { recipe }) }))?.detections);
  }
  expect(found[0]?.length).toBeGreaterThan(0);
  expect(found.slice(1)).toEqual([found[0], found[0]]);
  const offsets = resolveRecipe({ box: { parameters: 'offset' } });
  await expect(evaluate(net, { source: shapes(3, 2), recipe: offsets })).rejects.toThrow(
    /box\.parameters is offset, but the bins of an ONNX student are distances; set it to ltrb/,
  );
  net.dispose();
});

test('a run in short has the model, too', async () => {
  await shareRun(join(root, 'straight'), join(root, 'shared'));
  const checkpoint = await loadCheckpoint(join(root, 'shared'));
  (await restoreNet(device, checkpoint, 'average')).dispose();
  expect((await exportOnnxStudent(checkpoint)).mapping.classes).toEqual(NAMES);
});

test('another model beside a checkpoint, none, and a use that knows detectors alone are refused', async () => {
  const checkpoint = await loadCheckpoint(join(root, 'shared'));
  expect(() => restoreDetector(device, checkpoint, 'average')).toThrow(
    /is of the ONNX model nano\.onnx, not of a detector of edgewise; restoreNet/,
  );
  const { restore: _, ...without } = context('stopped');
  await expect(resumeTraining(without)).rejects.toThrow(/is of the ONNX model nano\.onnx/);
  await writeFile(join(root, 'shared', 'student.onnx'), given.model);
  await expect(restoreNet(device, checkpoint, 'average')).rejects.toThrow(/is not the model that learned: its SHA-256/);
  await rm(join(root, 'shared', 'student.onnx'));
  await expect(restoreNet(device, checkpoint, 'average')).rejects.toThrow(/cannot be read \(ENOENT\)/);
});

test('what an ONNX student cannot do is refused before anything is written', async () => {
  const teacher = new Detector(device, detectorConfig({ size: 'base', classes: 3, bins: 5, ...SIZE }), { seed: 1 });
  const refused = (more: Partial<TrainOptions>) => trained('refused', { teacher, ...more });
  await expect(refused({ recipe: 'crosskd' })).rejects.toThrow(/an ONNX student has no towers that are known/);
  await expect(refused({ recipe: 'pkd' })).rejects.toThrow(
    /the student's mapping names none; name them in its field features/,
  );
  await expect(refused({ recipe: { box: { parameters: 'offset' } } })).rejects.toThrow(/set it to ltrb/);
  await expect(refused({ detector: config })).rejects.toThrow(/^detector: give a configuration, or a student/);
  await expect(refused({ settings: { ...settings, freeze: ['head.classLogit.*'] } })).rejects.toThrow(
    /^freeze: no parameter matches head\.classLogit\.\*; there are head\.classLogits/,
  );
  await expect(readRun(join(root, 'refused'))).rejects.toThrow(/does not exist/);
  teacher.dispose();
});

test('it learns from a teacher of another make, and can be one', async () => {
  const teacher = new Detector(device, detectorConfig({ size: 'tiny', classes: 3, ...SIZE }), { seed: 1 });
  const result = await trained('taught', {
    teacher,
    recipe: 'nanodet+ld',
    settings: { ...settings, evaluateEvery: 0 },
  });
  expect(result.last?.terms.loss_ld).toBeGreaterThan(0);
  expect((await readRun(join(root, 'taught'))).teacherMatch).toBe('the teacher: 17 → 5 bins, re-binned.');
  teacher.dispose();
  const net = await restoreNet(device, await loadCheckpoint(join(root, 'straight')), 'average');
  const own = { epochs: 1, batch: 2, evaluateEvery: 0 };
  const taught = await train({
    ...context('own'),
    detector: { ...config, classes: 3 },
    teacher: net,
    recipe: 'ld',
    settings: own,
  });
  expect(taught.last?.terms.loss_ld).toBeGreaterThan(0);
  net.dispose();
});
