import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openData } from '../../src/cli/data.js';
import { reportRuns } from '../../src/cli/report.js';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { exportOnnx } from '../../src/onnx/export.js';
import { readRun } from '../../src/train/runFolder.js';
import { sharedDevice } from '../device.js';
import { ofFamily } from '../onnx/families.js';
import { edgewise } from './cli.js';

const CONFIG = detectorConfig({ size: 'tiny', classes: 2, bins: 5, width: 64, height: 64 });
const SHAPES = ['ellipse', 'rectangle', 'triangle'];
const SHORT = ['--images', '4', '--batch', '2', '--epochs', '1'];

let root: string;
const path = (name: string) => join(root, name);
/** Writes NAME.onnx and NAME.json. */
async function model(name: string, classes: string[]): Promise<string[]> {
  const net = new Detector(await sharedDevice(), { ...CONFIG, classes: classes.length }, { seed: 9, prior: 0.3 });
  const weights = net.parameters.split((await net.parameters.values.read()) as Float32Array);
  const detector = net.config;
  net.dispose();
  const own = {
    detector,
    recipe: resolveRecipe('gfocal'),
    classes: classes.map((one, id) => ({ id, name: one })),
    weights,
  };
  const made = ofFamily(await exportOnnx(own), 'nanodet', detector);
  await writeFile(path(`${name}.onnx`), made.model);
  await writeFile(path(`${name}.json`), JSON.stringify({ ...made.mapping, classes }));
  return [path(`${name}.onnx`), path(`${name}.json`)];
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-student-'));
});
afterAll(() => rm(root, { recursive: true }));

async function expectError(args: string[], message: RegExp, code = 1): Promise<void> {
  const run = await edgewise(args);
  expect([run.code, run.stdout]).toEqual([code, '']);
  expect(run.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('('))).toHaveLength(1);
  expect(run.stderr).toMatch(message);
}

test('an ONNX model learns the classes of the data, is evaluated, and comes back as the same file', async () => {
  const [file, mapping] = await model('two', ['triangle', 'star']);
  const student = ['--student', file, '--mapping', mapping];
  await expectError(
    ['train', 'shapes', ...SHORT, ...student, '--out', path('refused')],
    /the model has no class for ellipse, rectangle; open it with new classes \(--classes new\)/,
  );
  const run = path('run');
  const trained = await edgewise([
    ...['train', 'shapes', ...SHORT, ...student, '--classes', 'new', '--recipe', 'nanodet', '--out', run],
    ...['--freeze', 'backbone.stem*', '--rate', 'backbone.*=0.1', '--accumulate', '2', '--recompute'],
  ]);
  expect(trained).toMatchObject({ code: 0 });
  expect(trained.stdout).toMatch(/^Trained: .*\nAP \d.*\nAP /);
  const { detector, settings } = await readRun(run);
  expect(detector).toMatchObject({ classes: 3, width: 64, height: 64 });
  expect(settings).toMatchObject({
    ...{ freeze: ['backbone.stem*'], accumulate: 2, recompute: true },
    learningRates: [{ parameters: 'backbone.*', factor: 0.1 }],
  });

  const evaluated = JSON.parse((await edgewise(['evaluate', run, 'shapes', '--images', '4', '--json'])).stdout);
  const better = path('better.onnx');
  const exported = await edgewise(['export', run, '--onnx', better]);
  expect(exported.stdout).toBe(`Written: ${better}, ${path('better.mapping.json')}\n`);
  const back = ['evaluate', better, 'shapes', '--images', '4', '--mapping', path('better.mapping.json'), '--json'];
  expect(JSON.parse((await edgewise(back)).stdout)).toEqual(evaluated);
  expect(JSON.parse(await readFile(path('better.mapping.json'), 'utf8')).classes).toEqual(SHAPES);

  const regions = await edgewise(['regions', 'shapes', '--images', '4', '--model', run]);
  expect(regions).toMatchObject({ code: 0 });
  expect(regions.stdout).toMatch(/Input 64×64; sides of the anchors: 40, 80, 160 pixels/);
  const [data, page] = [await openData('shapes', 'val', { images: 4 }), path('report.html')];
  await reportRuns(await sharedDevice(), { folders: [run], data, page, candidates: 1, withFigures: false });
  expect(await readFile(page, 'utf8')).toMatch(/two\.onnx/);
  const resumed = await edgewise(['train', 'shapes', '--images', '4', '--out', run, '--resume', '--no-recompute']);
  expect(resumed).toMatchObject({ code: 0 });
});

test('an ONNX file teaches an ONNX student directly; the measures find the teacher again', async () => {
  const [file, mapping] = await model('three', SHAPES);
  const run = path('taught');
  const args = ['distill', 'shapes', ...SHORT, '--student', file, '--mapping', mapping, '--recipe', 'nanodet+ld'];
  const teacher = ['--teacher', file, '--teacher-mapping', mapping];
  const distilled = await edgewise([...args, ...teacher, '--evaluate-every', '0', '--out', run]);
  expect(distilled).toMatchObject({ code: 0 });
  expect(await readRun(run)).toMatchObject({
    teacherRun: file,
    teacherMapping: mapping,
    student: { name: 'three.onnx' },
  });
  const measured = await edgewise(['evaluate', run, 'shapes', '--images', '4', '--measures', '--json']);
  const { agreement } = JSON.parse(measured.stdout);
  // Two steps away from it.
  expect(agreement.all.locations).toBeGreaterThan(0);
  expect(agreement.all.localizationError).toBeLessThan(0.3);
  await expectError([...args, '--teacher', file], /an \.onnx file needs --teacher-mapping FILE/);
  await expectError(
    [...args, '--teacher', run, '--width', '96'],
    /width: 96 for the student, 64 for the teacher \S+; both need the same\. Take files that were exported for one size/,
  );
});

test('options that do not go together are refused in one line', async () => {
  const [file, mapping] = [path('two.onnx'), path('two.json')];
  const train = ['train', 'shapes', ...SHORT];
  const refused = (args: string[], message: RegExp) => expectError([...train, ...args], message, 2);
  await refused(['--student', file], /--student needs --mapping/);
  await refused(['--mapping', mapping], /--mapping needs --student/);
  await refused(['--classes', 'new'], /--classes needs --student/);
  for (const [flag, value] of [
    ['size', 'tiny'],
    ['bins', '9'],
    ['strides', '8,16'],
    ['init', file],
  ]) {
    const message = new RegExp(`--${flag} does not go with --student: size, head and first weights are the model's`);
    await refused(['--student', file, '--mapping', mapping, `--${flag}`, value], message);
  }
  await refused(['--rate', 'backbone.*=0'], /Expected PATTERN=FACTOR with a factor above 0/);
  await refused(
    ['--student', file, '--mapping', mapping, '--resume', '--out', root],
    /student does not go with --resume/,
  );
});
