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

const notices: string[] = [];
async function read(text: string) {
  const file = join(folder, 'found.json');
  await writeFile(file, text);
  notices.length = 0;
  return readDetections(file, truth, (notice) => void notices.push(notice));
}

test('known fields are kept, others dropped', async () => {
  expect(await read(JSON.stringify([{ ...good, segmentation: [], id: 1 }]))).toEqual([good]);
  expect(await read('[]')).toEqual([]);
});

test.each([
  ['[{]', /found\.json is not JSON: line 1, column 3/],
  ['{}', /holds an object, expected an array of detections/],
  ['null', /holds null, expected an array/],
  [JSON.stringify([good, null]), /\[1\] is null, expected an object \(in 1 of 2 entries\)/],
  [
    JSON.stringify([{ ...good, image_id: 6 }]),
    /\[0\]\.image_id is 6, which is no image of the annotations; are both of the same split/,
  ],
  [JSON.stringify([{ ...good, category_id: 1 }]), /\[0\]\.category_id is 1, expected one of.*3/],
  [JSON.stringify([{ ...good, bbox: [1, 2, 3] }]), /\[0\]\.bbox is \[1,2,3\], expected \[x, y, width, height\]/],
  [JSON.stringify([{ ...good, score: undefined }]), /\[0\]\.score is missing, expected a number/],
  [JSON.stringify([{ ...good, score: '0.5' }]), /\[0\]\.score is "0\.5"/],
])('%s is rejected', async (text, message) => {
  const reading = read(text);
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(message);
});

test('detections that are no pixels, or corners, are told with counts', async () => {
  const of = (...boxes: number[][]) => read(JSON.stringify(boxes.map((bbox) => ({ ...good, bbox }))));
  await of([1, 2, 3, 4]);
  expect(notices).toEqual([]);
  await of([0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.2, 0.2], [0, 0, 3, 3]);
  expect(notices).toEqual([
    expect.stringMatching(/found\.json: bbox: 2 of 3 detections lie within 0 … 1.*parts of the/),
  ]);
  await of([2, 3, 9, 10], [5, 6, 9, 9], [1, 1, 3, 3]);
  expect(notices).toEqual([expect.stringMatching(/found\.json: bbox: 2 of 3 detections reach beyond .*corners/)]);
  await of([5, 5, 9, 1], [0.1, 0, 0.1, 0.1], [1, 1, 3, 3]);
  expect(notices).toEqual([expect.stringMatching(/1 of 3 detections have a box within 0 … 1/)]);
});

test('a missing file is named', async () => {
  await expect(readDetections(join(folder, 'absent.json'), truth)).rejects.toThrow(/absent\.json does not exist/);
});
