import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { detectorConfig } from '../../src/detector/config.js';
import { Detector } from '../../src/detector/detector.js';
import { resolveRecipe } from '../../src/losses/recipe.js';
import { CHECKPOINT, saveCheckpoint } from '../../src/train/checkpoint.js';
import { Optimizer } from '../../src/train/optimizer.js';
import { trainSettings } from '../../src/train/settings.js';
import { sharedDevice } from '../device.js';
import { ofFamily } from '../onnx/families.js';
import { edgewise } from './cli.js';

const CONFIG = detectorConfig({ size: 'tiny', classes: 3, width: 64, height: 64 });
const SHORT = ['--images', '4', '--batch', '2', '--epochs', '1'];
const BLIND = ['--evaluate-every', '0'];
const SHAPES = ['ellipse', 'rectangle', 'triangle'];

let root: string;
let run: string;
const path = (name: string) => join(root, name);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-onnx-'));
  run = path('run');
  await mkdir(run);
  const device = await sharedDevice();
  const settings = trainSettings();
  const detector = new Detector(device, CONFIG, { seed: 1 });
  const optimizer = new Optimizer(detector.parameters, settings);
  const classes = SHAPES.map((name, id) => ({ id, name }));
  await saveCheckpoint(
    join(run, CHECKPOINT),
    { optimizer, adapter: null },
    {
      detector: CONFIG,
      recipe: resolveRecipe('gfocal'),
      classes,
      settings,
      choices: {},
      teacherCache: false,
      step: 2,
      stepsPerEpoch: 2,
      epochTerms: [],
      bestAp: -1,
      last: null,
    },
  );
});
afterAll(() => rm(root, { recursive: true }));

async function expectError(args: string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await edgewise(args);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^edgewise: [^\n]+\n$/);
  expect(stderr).toMatch(message);
}

test('a run goes out as a model and as weights, the model teaches, and a training starts from the weights', async () => {
  const [model, weights] = [path('model.onnx'), path('weights.safetensors')];
  const exported = await edgewise(['export', run, '--onnx', model, '--safetensors', weights, '--json']);
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(exported.stdout)).toEqual({ run, onnx: model, safetensors: weights });

  const nanodet = ofFamily(await readFile(model), 'nanodet', CONFIG);
  const [file, mapping] = [path('nanodet.onnx'), path('mapping.json')];
  await writeFile(file, nanodet.model);
  await writeFile(mapping, JSON.stringify({ ...nanodet.mapping, classes: SHAPES }));
  await writeFile(path('wrong.json'), JSON.stringify({ ...nanodet.mapping, classes: SHAPES, bins: 16 }));
  const wrong = ['teach', file, 'shapes', '--mapping', path('wrong.json'), '--out', path('teacher'), ...SHORT];
  await expectError(wrong, /output: shape \[1, 84, 71\]; BAC of classes and boxes \(67 channels\).* is \[1, 84, 67\]/);
  const taught = ['teach', file, 'shapes', '--mapping', mapping, '--out', path('teacher'), ...SHORT];
  const first = await edgewise([...taught, '--json']);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(first.stdout)).toMatchObject({
    teacher: path('teacher'),
    width: 64,
    height: 64,
    epochs: 1,
    computed: 1,
  });
  const again = await edgewise(taught);
  expect(again.stdout).toMatch(/0 of 1 epochs computed.*\nGo on with edgewise distill shapes --teacher/);

  const student = ['distill', 'shapes', '--teacher', path('teacher'), '--size', 'tiny', ...SHORT, ...BLIND];
  const distilled = await edgewise([...student, '--init', weights, '--out', path('student'), '--json']);
  expect(distilled).toMatchObject({ code: 0 });
  const { last } = JSON.parse(distilled.stdout);
  expect(last.terms.loss_ld).toBeGreaterThan(0);
  const record = JSON.parse(await readFile(join(path('student'), 'run.json'), 'utf8'));
  expect(record).toMatchObject({ teacherCache: true, teacher: { classes: 3, bins: 17, width: 64 } });

  await expectError([...student, '--bins', '9', '--out', path('x')], /bins: 9 for the student, 17 for the teacher/);
  await writeFile(path('half.json'), '{"name": "half", "ld": {"main": 1}, "regions": {"centreOffset": 0.5}}');
  const half = [...student, '--recipe', path('half.json'), '--out', path('x')];
  await expectError(
    half,
    /regions.centreOffset: 0.5 for the student, 0 for the teacher .*; both need the same\. Give a recipe with/,
  );

  // A class that the teacher does not know: class distillation would teach that there is none.
  const partial = { ...nanodet.mapping, classes: ['ellipse', 'x', 'y'], classMap: { rectangle: null, triangle: 'x' } };
  await writeFile(path('partial.json'), JSON.stringify(partial));
  await expectError(
    ['teach', file, 'shapes', '--mapping', path('partial.json'), '--out', path('teacher'), ...SHORT],
    /holds another teacher, mapping or image size/,
  );
  const other = [
    'teach',
    file,
    'shapes',
    '--mapping',
    path('partial.json'),
    '--out',
    path('partial'),
    ...SHORT,
    '--epochs',
    '0',
  ];
  expect(await edgewise(other)).toMatchObject({ code: 0 });
  const unsure = ['distill', 'shapes', '--teacher', path('partial'), '--size', 'tiny', ...SHORT, ...BLIND];
  await expectError([...unsure, '--out', path('x')], /does not know rectangle: .*main-ld\+vlr-ld/);
});

test('what is missing or wrong is told in one line', async () => {
  await expectError(['export', path('none'), '--onnx', path('m')], /none cannot be read/);
  await expectError(
    ['export', run, '--onnx', join(run, 'checkpoint.safetensors', 'm.onnx')],
    /m\.onnx cannot be written: a part of the path is a file/,
  );
  expect(await edgewise(['export', run])).toMatchObject({ code: 2, stderr: expect.stringMatching(/give --onnx FILE/) });
  await writeFile(path('m.json'), '{"bins": 1}');
  const teach = ['teach', path('no.onnx'), 'shapes', '--out', path('y'), '--mapping'];
  await expectError([...teach, path('m.json')], /m\.json: .*strides is missing.*bins is 1; it must be >= 2/);
});
