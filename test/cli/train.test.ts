import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readMeasures } from '../../src/train/measures.js';
import { readRun } from '../../src/train/runFolder.js';
import { edgewise } from './cli.js';

/** The smallest training there is. */
const TINY = ['--size', 'tiny', '--width', '64', '--height', '64', '--batch', '2', '--epochs', '1'];

let root: string;
let teacher: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-train-'));
  teacher = join(root, 'teacher');
  const made = await edgewise(['train', 'shapes', ...TINY, '--images', '4', '--evaluate-every', '0', '--out', teacher]);
  expect(made).toMatchObject({ code: 0 });
});
afterAll(() => rm(root, { recursive: true }));

interface Annotations {
  images: { id: number; file_name: string; width: number; height: number }[];
  categories: { id: number; name: string }[];
  annotations: { image_id: number; category_id: number; bbox: number[] }[];
}

/** A data folder of four images of 64×64 with the classes of the shapes, their ids with gaps. */
async function dataFolder(name: string, change: (train: Annotations) => unknown = () => {}): Promise<string> {
  const folder = join(root, name);
  await mkdir(join(folder, 'annotations'), { recursive: true });
  await mkdir(join(folder, 'images'));
  const data: Annotations = { images: [], categories: [], annotations: [] };
  for (const [i, shape] of ['ellipse', 'rectangle', 'triangle'].entries()) {
    data.categories.push({ id: 3 + 10 * i, name: shape });
  }
  for (let id = 0; id < 4; id++) {
    const file_name = `${id}.jpg`;
    const background = { r: 60 * id, g: 90, b: 20 };
    const image = sharp({
      create: { width: 64, height: 64, channels: 3, background, noise: { type: 'gaussian', sigma: 30, mean: 90 } },
    });
    await image.jpeg().toFile(join(folder, 'images', file_name));
    data.images.push({ id, file_name, width: 64, height: 64 });
    data.annotations.push({ image_id: id, category_id: 13, bbox: [10, 10, 30, 20] });
  }
  await writeFile(join(folder, 'annotations', 'val.json'), JSON.stringify(data));
  change(data);
  await writeFile(join(folder, 'annotations', 'train.json'), JSON.stringify(data));
  return folder;
}

/** One line on stderr, exit code 1, and the same as JSON. */
async function expectError(args: string[], message: RegExp): Promise<void> {
  const [{ code, stdout, stderr }, json] = await Promise.all([edgewise(args), edgewise([...args, '--json'])]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^edgewise: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout).error).toMatch(message);
}

test('train, distil and evaluate on a folder; gaps in the ids are fine, boxes without area are counted', async () => {
  const data = await dataFolder('good', ({ annotations }) => {
    annotations.push({ image_id: 0, category_id: 3, bbox: [5, 5, 0, 9] });
    annotations.push({ image_id: 1, category_id: 23, bbox: [5, 5, 9, -2] });
  });
  const run = join(root, 'good-run');
  const trained = await edgewise(['train', data, ...TINY, '--out', run, '--json']);
  expect(trained.code).toBe(0);
  expect(trained.stderr).toMatch(/train: 2 of \d+ annotations are left out: no area/);
  expect(JSON.parse(trained.stdout)).toMatchObject({
    run,
    interrupted: false,
    step: 2,
    skipped: 2,
    last: { epoch: 1 },
  });

  const student = join(root, 'good-student');
  const distilled = await edgewise([
    'distill',
    data,
    '--teacher',
    run,
    '--recipe',
    'main-ld',
    '--batch',
    '2',
    '--epochs',
    '1',
    '--out',
    student,
    '--teacher-cache',
    join(root, 'cache'),
    '--json',
  ]);
  expect(distilled.code).toBe(0);
  expect(JSON.parse(distilled.stdout).last.terms.loss_ld).toBeGreaterThan(0);

  const evaluated = await edgewise(['evaluate', student, data, '--json']);
  expect(evaluated).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(evaluated.stdout)).toEqual({
    stats: expect.any(Array),
    perClass: { ellipse: -1, rectangle: expect.any(Number), triangle: -1 },
  });

  // The run says where data and teacher are, so that its measures include the agreement.
  expect(await readRun(student)).toMatchObject({
    data,
    split: 'train',
    teacherRun: run,
    teacherCache: true,
    images: 4,
  });
  const measured = await edgewise(['evaluate', student, data, '--measures']);
  expect(measured).toMatchObject({ code: 0, stderr: '' });
  expect(measured.stdout).toMatch(/rank correlation of spread and error is .*\n\nTeacher: localization error [\d–]/);
  expect(await readMeasures(student)).toMatchObject({ split: 'val', images: 4, perClass: { ellipse: { AP50: -1 } } });
});

test('data that are wrong are one clear line', async () => {
  await expectError(
    ['train', join(root, 'nowhere'), ...TINY],
    /nowhere does not exist; a data folder holds annotations/,
  );

  const missing = await dataFolder('missing-image', ({ images }) =>
    Object.assign(images[2], { file_name: 'lost.jpg' }),
  );
  await expectError(
    ['train', missing, ...TINY],
    /train\.json: 1 of \d+ images cannot be used: image \S+lost\.jpg does not exist; replace or correct them/,
  );

  const stranger = await dataFolder('stranger', ({ annotations }) => Object.assign(annotations[1], { image_id: 77 }));
  await expectError(['train', stranger, ...TINY], /annotations\[1]\.image_id is 77, which "images" does not list/);

  const broken = await dataFolder('broken-json');
  await writeFile(join(broken, 'annotations', 'train.json'), '{"images": [1, 2');
  await expectError(['train', broken, ...TINY], /train\.json is not JSON: line 1, column 17: the file ends/);

  const truncated = await dataFolder('truncated');
  const file = join(truncated, 'images', '1.jpg');
  const bytes = await readFile(file);
  await writeFile(file, bytes.subarray(0, bytes.length / 2));
  const out = join(root, 'truncated-run');
  const { code, stdout, stderr } = await edgewise(['train', truncated, ...TINY, '--out', out]);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^edgewise: \S+train\.json: 1 of \d+ images cannot be used: image \S+1\.jpg cannot be decoded [^\n]+\n$/,
  );
});

test('a teacher that does not fit is told before training starts: what, and what to do', async () => {
  const distill = (...more: string[]) => [
    'distill',
    'shapes',
    '--teacher',
    teacher,
    '--images',
    '4',
    '--out',
    join(root, 'never'),
    ...more,
  ];
  await expectError(
    distill('--width', '96'),
    /width: 96 for the student, 64 for the teacher \S+; both need the same\. Leave --width out .* train a teacher with --width 96/,
  );
  const other = await dataFolder('other-classes', ({ categories }) => void categories.push({ id: 99, name: 'star' }));
  await expectError(
    ['train', other],
    /the train split of \S+ has 4 .*the val split of \S+ 3 .*: only the train split of \S+ has star/,
  );
  await expectError(
    ['distill', other, '--teacher', teacher, '--evaluate-every', '0'],
    /classes: the teacher \S+ has 3 \(ellipse, rectangle, triangle\), the student 4 \(ellipse, rectangle, triangle, star\): only the student has star\./,
  );
  await expectError(
    ['evaluate', teacher, other, '--split', 'train'],
    /classes: \S+ has 3 .* only the train split of \S+ has star/,
  );
});

test('wrong recipes are one clear line', async () => {
  const distill = (recipe: string) => ['distill', 'shapes', '--teacher', teacher, '--recipe', recipe];
  await expectError(
    distill('main-ld2'),
    /recipe: there is none called main-ld2; the shipped ones are gfocal, ld, main-ld/,
  );
  const file = join(root, 'recipe.json');
  await writeFile(file, JSON.stringify({ name: 'mine', ld: { main: 0.25, temprature: 10 } }));
  await expectError(
    distill(file),
    /recipe\.json: recipe mine: unknown field ld\.temprature \(ld has main, vlr, temperature/,
  );
  await expectError(['regions', 'shapes', '--recipe', file], /recipe\.json: recipe mine: unknown field ld/);
  await expectError(['train', 'shapes', '--recipe', 'main-ld'], /--recipe: main-ld distils; use edgewise distill/);
  const never = ['train', 'shapes', '--recipe', 'ppyoloe', '--epochs', '3'];
  await expectError(never, /regions\.switchAfter is 4, .* the training has 3, .* Set it to 1, say \(--switch-after/);
  await expectError([...never, '--switch-after', '3'], /regions\.switchAfter is 3/);
});

test('other anchors: regions tells what they do before a training, train takes them', async () => {
  const file = join(root, 'anchors.json');
  await writeFile(file, JSON.stringify({ name: 'small-anchors', regions: { octaveScale: 4 } }));
  const shown = await edgewise(['regions', 'shapes', '--images', '4', '--recipe', file]);
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringMatching(/^class +objects +side px +positives each/) });
  expect(shown.stdout).toMatch(/^ellipse( +[\d.–]+){7}$/m);
  expect(shown.stdout).toMatch(/Input 96×96; sides of the anchors: 32, 64, 128 pixels\./);
  const run = join(root, 'small-anchors');
  const trained = [
    'train',
    'shapes',
    ...TINY,
    '--images',
    '4',
    '--evaluate-every',
    '0',
    '--recipe',
    file,
    '--out',
    run,
  ];
  expect(await edgewise(trained)).toMatchObject({ code: 0 });
  expect((await readRun(run)).recipe).toMatchObject({ name: 'small-anchors', regions: { octaveScale: 4 } });
});

test('regions by a run: its recipe, input and predictions', async () => {
  const run = join(root, 'yolov8');
  const options = ['--images', '4', '--epochs', '1', '--evaluate-every', '0', '--recipe', 'yolov8'];
  expect(await edgewise(['train', 'shapes', ...TINY, ...options, '--out', run])).toMatchObject({ code: 0 });
  const shown = await edgewise(['regions', 'shapes', '--images', '4', '--model', run]);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toMatch(/Input \d+×\d+; task-aligned by what \S*yolov8 predicts\./);
  await expectError(
    ['regions', 'shapes', '--images', '4', '--recipe', 'yolov8'],
    /model: recipe yolov8 assigns by task-aligned, .* --model RUN/,
  );
  await expectError(
    ['regions', 'shapes', '--images', '4', '--model', run, '--recipe', 'nanodet-plus'],
    /regions\.centreOffset: 0 for the recipe nanodet-plus, 0\.5 for the model \S+; .* Leave --recipe out .* yolov8/,
  );
});

test('checkpoints that are missing, cut in half or something else are one clear line', async () => {
  await expectError(['evaluate', join(root, 'nowhere'), 'shapes'], /nowhere.* cannot be read/);
  await expectError(
    ['evaluate', 'test/golden/one-class.safetensors', 'shapes'],
    /is a safetensors file, but no checkpoint of edgewise/,
  );
  const half = join(root, 'half');
  await cp(teacher, half, { recursive: true });
  const file = join(half, 'checkpoint.safetensors');
  const bytes = await readFile(file);
  await writeFile(file, bytes.subarray(0, bytes.length / 2));
  const message = /half\/checkpoint\.safetensors is not a whole safetensors file: cut short/;
  await expectError(['evaluate', half, 'shapes'], message);
  await expectError(['distill', 'shapes', '--teacher', half], message);
  await expectError(['train', 'shapes', '--out', half, '--resume'], message);
});

test('a folder that holds a run is not overwritten', async () => {
  await expectError(['train', 'shapes', ...TINY, '--images', '4', '--out', teacher], /holds a training already/);
});
