import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readDetections } from '../../src/eval/detections.js';
import { InputError } from '../../src/util/error.js';

const truth = {
  images: [{ id: 5, file_name: '5.jpg', width: 10, height: 10 }],
  categories: [{ id: 3, name: 'cell' }],
  annotations: [],
};
const good = { image_id: 5, category_id: 3, bbox: [1, 2, 3, 4], score: 0.5 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-detections-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const file = join(folder, 'found.json');
  await writeFile(file, text);
  return readDetections(file, truth);
}

test('known fields are kept, others dropped', async () => {
  expect(await read(JSON.stringify([{ ...good, segmentation: [], id: 1 }]))).toEqual([good]);
  expect(await read('[]')).toEqual([]);
});

test.each([
  ['[{]', /found\.json is not JSON: line 1, column 3/],
  ['{}', /holds object, expected an array of detections/],
  ['null', /holds null, expected an array/],
  [JSON.stringify([good, null]), /\[1\]\.image_id is missing/],
  [JSON.stringify([{ ...good, image_id: 6 }]), /\[0\]\.image_id is 6, expected the id of an image/],
  [JSON.stringify([{ ...good, category_id: 1 }]), /\[0\]\.category_id is 1, expected one of.*3/],
  [JSON.stringify([{ ...good, bbox: [1, 2, 3] }]), /\[0\]\.bbox is \[1,2,3\], expected \[x, y, width, height\]/],
  [JSON.stringify([{ ...good, score: undefined }]), /\[0\]\.score is missing, expected a number/],
  [JSON.stringify([{ ...good, score: '0.5' }]), /\[0\]\.score is "0\.5"/],
])('%s is rejected', async (text, message) => {
  const reading = read(text);
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(message);
});

test('a missing file is named', async () => {
  await expect(readDetections(join(folder, 'absent.json'), truth)).rejects.toThrow(/absent\.json does not exist/);
});
