import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shapesDataset } from '../../src/data/shapes.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { STATISTICS } from '../../src/eval/averagePrecision.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import type { Device } from '../../src/tensor/device.js';
import { measureRun, readMeasures, writeMeasures } from '../../src/train/measures.js';
import { sharedDevice } from '../device.js';

let device: Device;
let root: string;
let detector: Detector;
beforeAll(async () => {
  device = await sharedDevice();
  root = await mkdtemp(join(tmpdir(), 'edgewise-measures-'));
  detector = new Detector(device, config, { seed: 1 });
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

const config = detectorConfig({ size: 'tiny', classes: 3, width: 64, height: 64 });
const source = shapesDataset({ count: 3, width: 64, height: 64, seed: 1 });

test('the measures of a detector against itself, written and read again', async () => {
  const measures = await measureRun(detector, {
    source,
    split: 'val',
    teacher: detector,
    teacherCache: join(root, 'c'),
  });
  expect(measures).toMatchObject({ split: 'val', images: 3, agreement: { all: { stride: 0 } } });
  expect(Object.keys(measures!.stats)).toEqual(STATISTICS);
  expect(Object.keys(measures!.perClass)).toEqual(['ellipse', 'rectangle', 'triangle']);
  expect(measures!.precisionRecall.recall).toHaveLength(101);
  await writeMeasures(root, measures!);
  expect(await readMeasures(root)).toEqual(measures);
  expect((await readdir(root)).sort()).toEqual(['c', 'measures.json']);
});

test('the classes together make up the whole; bins of offsets say nothing of edges', async () => {
  // A score of a half everywhere: detections of every class.
  const eager = new Detector(device, config, { seed: 1 });
  eager.parameters.get('head.classLogits.bias').value.write(new Float32Array(3));
  const { stats, perClass } = (await measureRun(eager, { source, split: 'val' }))!;
  const { box } = resolveRecipe('gfocal');
  const recipe = { ...resolveRecipe('gfocal'), box: { ...box, parameters: 'offset' as const } };
  const offsets = await measureRun(eager, { source, split: 'val', recipe });
  eager.dispose();
  for (const name of ['AP', 'AP50', 'AP75'] as const) {
    const defined = Object.values(perClass).filter((one) => one[name] >= 0);
    expect(defined.length).toBeGreaterThan(0);
    expect(defined.reduce((sum, one) => sum + one[name], 0) / defined.length).toBeCloseTo(stats[name], 12);
  }
  expect(offsets).toMatchObject({ agreement: null, calibration: { edges: 0 } });
});

test('what is missing or something else is said', async () => {
  await expect(readMeasures(join(root, 'nowhere'))).rejects.toThrow(/measures\.json does not exist/);
  await writeFile(join(root, 'measures.json'), '{"stats": {}}');
  await expect(readMeasures(root)).rejects.toThrow(/measures\.json: .*perClass is missing/);
  await expect(measureRun(detector, { source, split: 'val', signal: AbortSignal.abort() })).resolves.toBeNull();
});
