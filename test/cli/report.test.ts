import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { edgewise } from './cli.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-report-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a training of seconds gets a page and its figures; the teacher comes from the run', async () => {
  const [teacher, student] = [join(folder, 'teacher'), join(folder, 'student')];
  const length = [
    '--images',
    '4',
    '--batch',
    '2',
    '--epochs',
    '1',
    '--size',
    'tiny',
    '--evaluate-every',
    '0',
    '--no-tune',
  ];
  await edgewise(['train', 'shapes', ...length, '--out', teacher]);
  await edgewise(['distill', 'shapes', '--teacher', teacher, '--recipe', 'main-ld', ...length, '--out', student]);
  const page = join(folder, 'page.html');
  const { code, stdout } = await edgewise([
    'report',
    student,
    '--images',
    '3',
    '--image',
    '2',
    '--out',
    page,
    '--no-tune',
    '--json',
  ]);
  expect(code).toBe(0);
  const printed = JSON.parse(stdout);
  expect(printed).toMatchObject({ page, figures: join(folder, 'page-figures') });
  // So short a training finds no object, so that there are no edges to draw.
  expect(printed.ids).toEqual(expect.arrayContaining(['error-maps', 'regions', 'training']));
  const files = await readdir(printed.figures);
  const expected = (printed.ids as string[]).flatMap((id) => [
    `${id}.png`,
    `${id}.svg`,
    `${id}-dark.png`,
    `${id}-dark.svg`,
  ]);
  expect(files.sort()).toEqual(expected.sort());
  const html = await readFile(page, 'utf8');
  expect(html).toContain('<title>Localization distillation on shapes</title>');
  expect(html).toMatch(/Student with LD, stride 8/);
});

test.each([[['nowhere'], /^edgewise: \S*nowhere\S*run\.json does not exist/]])(
  'what is wrong is one clear line: %j',
  async (args, message) => {
    const { code, stderr } = await edgewise(['report', ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  },
);
