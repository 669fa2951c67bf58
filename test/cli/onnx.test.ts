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
    { optimizer, adapter: null, cross: null },
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
  expect(JSON.parse(exported.stdout)).toEqual({ run, onnx: model, mapping: null, safetensors: weights, share: null });

  const nanodet = ofFamily(await readFile(model), 'nanodet', CONFIG);
  const [file, mapping] = [path('nanodet.onnx'), path('mapping.json')];
  await writeFile(file, nanodet.model);
  await writeFile(mapping, JSON.stringify({ ...nanodet.mapping, classes: SHAPES }));
  await writeFile(path('wrong.json'), JSON.stringify({ ...nanodet.mapping, classes: SHAPES, bins: 16 }));
  const wrong = ['teach', file, 'shapes', '--mapping', path('wrong.json'), '--out', path('teacher'), ...SHORT];
  await expectError(wrong, /output: shape \[4, 84, 71\]; BAC of classes and boxes \(67 channels\).* is \[4, 84, 67\]/);
  const taught = ['teach', file, 'shapes', '--mapping', mapping, '--out', path('teacher'), ...SHORT];
  const first = await edgewise([...taught, '--json']);
  expect(first.code).toBe(0);
  // Random weights find nothing.
  expect(first.stderr).toMatch(
    /^The teacher on 4 images of val: AP 0\.\d, AP50 \d\.\d, AP75 \d\.\d\.\nWarning: it finds/,
  );
  expect(first.stderr).toMatch(/Usual causes in the mapping: centreOffset, .*classMap; edgewise teach --check/);
  expect(JSON.parse(first.stdout)).toMatchObject({
    teacher: path('teacher'),
    width: 64,
    height: 64,
    epochs: 1,
    computed: 1,
    sample: { split: 'val', images: 4, AP: expect.any(Number) },
  });
  const again = await edgewise([...taught, '--sample', '0']);
  expect(again).toMatchObject({ stderr: '', stdout: expect.stringMatching(/0 of 1 epochs computed/) });
  expect(again.stdout).toMatch(
    /\nGo on with edgewise distill shapes --teacher \S+ --epochs 1 --batch 2 --seed 0 --images 4/,
  );

  const student = ['distill', 'shapes', '--teacher', path('teacher'), '--size', 'tiny', ...SHORT, ...BLIND];
  const distilled = await edgewise([...student, '--init', weights, '--out', path('student'), '--json']);
  expect(distilled).toMatchObject({ code: 0 });
  const { last } = JSON.parse(distilled.stdout);
  expect(last.terms.loss_ld).toBeGreaterThan(0);
  const record = JSON.parse(await readFile(join(path('student'), 'run.json'), 'utf8'));
  expect(record).toMatchObject({ teacherCache: true, teacher: { classes: 3, bins: 17, width: 64 } });

  // Another head: the teacher's bins are brought into the student's, from its kept outputs.
  await writeFile(path('half.json'), '{"name": "half", "ld": {"main": 1}, "regions": {"centreOffset": 0.5}}');
  const half = [
    ...student,
    '--recipe',
    path('half.json'),
    '--bins',
    '9',
    '--strides',
    '8,16,32,64',
    '--out',
    path('half'),
  ];
  const match = 'the teacher: 17 → 9 bins, centre offset 0 → 0.5, re-binned; level 64 is not taught.';
  const unlike = await edgewise([...half, '--json']);
  expect(unlike).toMatchObject({ code: 0, stderr: expect.stringContaining(match) });
  expect(JSON.parse(unlike.stdout).last.terms.loss_ld).toBeGreaterThan(0);
  const kept = JSON.parse(await readFile(join(path('half'), 'run.json'), 'utf8'));
  expect(kept).toMatchObject({ teacherCache: true, teacherMatch: match, teacher: { bins: 17 } });

  // A class that the teacher does not know: class distillation would teach that there is none.
  const partial = { ...nanodet.mapping, classes: ['ellipse', 'x', 'y'], classMap: { rectangle: null, triangle: 'x' } };
  await writeFile(path('partial.json'), JSON.stringify(partial));
  await expectError(
    ['teach', file, 'shapes', '--mapping', path('partial.json'), '--out', path('teacher'), ...SHORT],
    /holds another teacher, mapping or image size/,
  );
  const other = ['teach', file, 'shapes', '--mapping', path('partial.json'), '--out', path('partial')];
  expect(await edgewise([...other, ...SHORT, '--epochs', '0'])).toMatchObject({ code: 0 });
  const unsure = ['distill', 'shapes', '--teacher', path('partial'), '--size', 'tiny', ...SHORT, ...BLIND];
  await expectError([...unsure, '--out', path('x')], /does not know rectangle: .*main-ld\+vlr-ld/);
});

/** A NanoDet whose file has the right mapping, or one with changes. */
async function write(name: string, change: object = {}): Promise<string[]> {
  const model = path('shared.onnx');
  await edgewise(['export', run, '--onnx', model]);
  const nanodet = ofFamily(await readFile(model), 'nanodet', CONFIG);
  await writeFile(path(`${name}.onnx`), nanodet.model);
  await writeFile(path(`${name}.json`), JSON.stringify({ ...nanodet.mapping, classes: SHAPES, ...change }));
  return [path(`${name}.onnx`), 'shapes', '--mapping', path(`${name}.json`)];
}

test('the command that teach prints runs, whatever the mapping needs, and with 0 epochs', async () => {
  const change = { centreOffset: 0.5, classes: ['ellipse', 'x', 'y'], classMap: { rectangle: null, triangle: 'x' } };
  const teach = ['teach', ...(await write("it's half", change)), '--out', path("it's a teacher")];
  const { stdout } = await edgewise([...teach, ...SHORT, '--epochs', '0', '--no-augment']);
  const printed = stdout.match(/^Go on with edgewise (.*)$/m)?.[1] ?? '';
  expect(printed).not.toContain('--epochs');
  // As a shell takes it apart.
  const words = [...printed.matchAll(/(?:'[^']*'|\\'|[^\s'\\])+/g)].map(([word]) =>
    word.replace(/\\'|'/g, (q) => (q === "'" ? '' : "'")),
  );
  const short = ['--epochs', '1', '--size', 'tiny', ...BLIND, '--out', path('half-student')];
  expect(await edgewise([...words, ...short])).toMatchObject({ code: 0 });
  const { recipe } = JSON.parse(await readFile(join(path('half-student'), 'run.json'), 'utf8'));
  expect(recipe).toMatchObject({ ld: { main: 0.25, vlr: 0.25 }, kd: { main: 0 }, regions: { centreOffset: 0.5 } });
});

test('an ONNX teacher is evaluated, as a file and as a folder, and measured', async () => {
  const model = await write('judged');
  const file = await edgewise(['evaluate', ...model, '--images', '4', '--json']);
  expect(file).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(file.stdout).stats).toHaveLength(12);
  await edgewise(['teach', ...model, '--out', path('judged'), ...SHORT, '--epochs', '0', '--sample', '0']);
  const folder = await edgewise(['evaluate', path('judged'), 'shapes', '--images', '4', '--json']);
  expect(folder).toEqual(file);
  // Its bins mean distances from the middle of a cell: other boxes.
  const half = await write('judged-half', { centreOffset: 0.5 });
  const other = await edgewise(['evaluate', ...half, '--images', '4', '--measures', '--json']);
  expect(JSON.parse(other.stdout)).toMatchObject({ split: 'val', images: 4, agreement: null });
  expect(JSON.parse(await readFile(`${half[0]}.measures.json`, 'utf8'))).toEqual(JSON.parse(other.stdout));

  const partial = await write('partly', {
    classes: ['ellipse', 'x', 'y'],
    classMap: { rectangle: 'x', triangle: null },
  });
  const known = await edgewise(['evaluate', ...partial, '--images', '4']);
  expect(known.stderr).toBe('The model does not know triangle; it cannot find them.\n');
  for (const [args, message] of [
    [['evaluate', model[0], 'shapes'], /an \.onnx file needs --mapping FILE/],
    [['teach', ...model], /give --out FOLDER, or --check/],
    [['teach', ...model, '--check', '--sample', '0'], /--check needs images/],
  ] as const) {
    expect(await edgewise(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  }
});

test('a student of an ONNX teacher is measured beside it', async () => {
  const teach = ['teach', ...(await write('beside')), '--out', path('beside'), '--sample', '0'];
  await edgewise([...teach, ...SHORT]);
  const student = ['distill', 'shapes', '--teacher', path('beside'), '--size', 'tiny', ...SHORT, ...BLIND];
  await edgewise([...student, '--out', path('beside-student')]);
  const measured = await edgewise([
    'evaluate',
    path('beside-student'),
    'shapes',
    '--images',
    '4',
    '--measures',
    '--json',
  ]);
  expect(JSON.parse(measured.stdout).agreement.levels).toHaveLength(3);
});

test('the check says which mapping is best; outputs that no mapping explains are refused', async () => {
  const model = await write('checked', { scores: 'logits' });
  const wrong = await edgewise(['teach', ...model, '--check', '--images', '2']);
  expect(wrong).toMatchObject({ code: 0, stderr: '' });
  expect(wrong.stdout).toMatch(/^\d+ mappings on 2 images of val; the best/);
  expect(wrong.stdout).toMatch(/^as given +– +– +– +refused$/m);
  expect(wrong.stdout).toMatch(/^As given it is refused: output: all scores are from .*"scores": "probabilities"/m);
  expect(wrong.stdout).toMatch(/^Change \S+checked\.json: .*"scores": "probabilities" \(AP \d\.\d\)\.$/m);
  const json = JSON.parse((await edgewise(['teach', ...model, '--check', '--images', '2', '--json'])).stdout);
  expect(json.best.changes).toMatchObject({ scores: 'probabilities' });
  expect(json.trials).toContainEqual(json.given);
  await expectError(['teach', ...model, '--images', '2', '--out', path('never')], /output: all scores are from/);
  await expect(readFile(join(path('never'), 'teacher.json'))).rejects.toThrow(/ENOENT/);
});

test('what is missing or wrong is told in one line', async () => {
  await expectError(['export', path('none'), '--onnx', path('m')], /none cannot be read/);
  await expectError(
    ['export', run, '--onnx', join(run, 'checkpoint.safetensors', 'm.onnx')],
    /m\.onnx cannot be written: a part of the path is a file/,
  );
  expect(await edgewise(['export', run])).toMatchObject({ code: 2, stderr: expect.stringMatching(/give --onnx FILE/) });
  await writeFile(path('m.json'), '{"bins": 1, "classes": 3, "scores": "logits", "centreOffset": 2, "tensors": []}');
  const teach = ['teach', path('no.onnx'), 'shapes', '--out', path('y'), '--mapping'];
  await expectError(
    [...teach, path('m.json')],
    /m\.json: .*strides is missing.*bins is 1; it must be >= 2.*centreOffset is 2; it must be <= 1/,
  );
});
