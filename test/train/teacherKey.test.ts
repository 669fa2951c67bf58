import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CocoFolder } from '../../src/data/folder.js';
import { Loader, type LoaderOptions } from '../../src/data/loader.js';
import { shapesDataset } from '../../src/data/shapes.js';
import type { ImageSource } from '../../src/data/source.js';
import type { Teacher } from '../../src/train/teacher.js';
import { describeTeacher } from '../../src/train/teacherKey.js';

/** Outputs of one description are used as those of another with the same text. */

const OPTIONS: LoaderOptions = {
  batch: 2,
  width: 64,
  height: 64,
  seed: 1,
  augment: true,
  shuffle: true,
  dropLast: true,
};
const shapes = (count: number, seed = 1) => shapesDataset({ count, width: 32, height: 32, seed });

async function keyOf(
  options: Partial<LoaderOptions> = {},
  source: ImageSource = shapes(5),
  parameters = 'a',
): Promise<string> {
  const teacher = { describe: async () => ({ parameters }) } as unknown as Teacher;
  return JSON.stringify(await describeTeacher(teacher, new Loader(source, { ...OPTIONS, ...options })));
}

test('the same inputs have the same text', async () => {
  expect(await keyOf()).toBe(await keyOf());
});

test.each<Partial<LoaderOptions>>([
  { batch: 3 },
  { width: 96 },
  { height: 96 },
  { seed: 2 },
  { augment: false },
  { shuffle: false },
  { dropLast: false },
])('the loader: %j', async (options) => {
  expect(await keyOf(options)).not.toBe(await keyOf());
});

test('the teacher, the number of images and their pixels', async () => {
  const keys = [keyOf(), keyOf({}, shapes(5), 'b'), keyOf({}, shapes(4)), keyOf({}, shapes(5, 2))];
  expect(new Set(await Promise.all(keys)).size).toBe(keys.length);
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-key-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('files: their names, ids, sizes and times', async () => {
  const paths = [join(folder, 'a.png'), join(folder, 'b.png')];
  const images = paths.map((_, id) => ({ id, fileName: `${id}.png`, width: 16, height: 16 }));
  for (const path of paths) {
    await writeFile(path, 'pixels');
    await utimes(path, 1, 1);
  }
  const source = (change: object = {}) => {
    const changed = images.map((image, i) => (i === 1 ? { ...image, ...change } : image));
    return { length: 2, paths, dataset: { images: changed } } as unknown as CocoFolder;
  };
  const keys = [await keyOf({}, source())];
  for (const change of [{ id: 7 }, { fileName: 'c.png' }, { width: 8 }, { height: 8 }]) {
    keys.push(await keyOf({}, source(change)));
  }
  await utimes(paths[1], 2, 2);
  keys.push(await keyOf({}, source()));
  await writeFile(paths[1], 'other pixels');
  await utimes(paths[1], 1, 1);
  keys.push(await keyOf({}, source()));
  expect(new Set(keys).size).toBe(keys.length);
});
