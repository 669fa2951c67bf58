import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCoco } from '../../src/data/coco.js';
import { openDataset } from '../../src/data/folder.js';
import { InputError } from '../../src/util/error.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-coco-'));
});
afterAll(() => rm(folder, { recursive: true }));

const image = { id: 11, file_name: 'a.png', width: 40, height: 30 };
const other = { id: 4, file_name: 'sub/b.png', width: 20, height: 20 };
const categories = [
  { id: 90, name: 'dog' },
  { id: 7, name: 'cat' },
];
const annotation = { id: 1, image_id: 11, category_id: 90, bbox: [1, 2, 10, 20] };

async function read(json: unknown) {
  const file = join(folder, 'annotations.json');
  await writeFile(file, typeof json === 'string' ? json : JSON.stringify(json));
  return readCoco(file);
}

test('category ids with gaps become classes in the order of ids; images keep the order of the file', async () => {
  const { classes, images, skipped } = await read({
    images: [image, other],
    categories,
    annotations: [annotation, { ...annotation, image_id: 4, category_id: 7, bbox: [0, 0, 5, 5] }, annotation],
  });
  expect(classes).toEqual([
    { id: 7, name: 'cat' },
    { id: 90, name: 'dog' },
  ]);
  expect(images.map(({ id }) => id)).toEqual([11, 4]);
  expect(images[0].labels).toEqual(Int32Array.of(1, 1));
  expect(images[0].boxes).toEqual(Float32Array.of(1, 2, 11, 22, 1, 2, 11, 22));
  expect(images[1].labels).toEqual(Int32Array.of(0));
  expect(skipped).toBe(0);
});

test('boxes without area or outside are counted, boxes across the border clipped, crowds kept apart; truth has them all', async () => {
  const boxes = [
    [1, 1, 0, 5],
    [1, 1, 5, -2],
    [45, 1, 5, 5],
    [35, 25, 10, 10],
    [-2, -3, 10, 10],
  ];
  const { images, skipped, truth } = await read({
    images: [image],
    categories,
    annotations: [
      ...boxes.map((bbox) => ({ ...annotation, bbox })),
      { ...annotation, bbox: [0, 0, 9, 9], iscrowd: 1, area: 50 },
    ],
  });
  expect(skipped).toBe(3);
  expect(images[0].boxes).toEqual(Float32Array.of(35, 25, 40, 30, 0, 0, 8, 7));
  expect(images[0].ignore).toEqual(Float32Array.of(0, 0, 9, 9));
  expect(truth.annotations).toHaveLength(6);
  expect(truth.annotations[3]).toMatchObject({ bbox: [35, 25, 10, 10], area: 100, iscrowd: 0 });
  expect(truth.annotations[5]).toMatchObject({ area: 50, iscrowd: 1 });
});

const base = { images: [image], categories, annotations: [annotation] };
const annotated = (change: object) => ({ ...base, annotations: [annotation, { ...annotation, ...change }] });
test.each([
  ['broken JSON', '{"images": [\n  {"id": 1,}', /annotations\.json is not JSON: line 2, column 12: found "}"/],
  ['JSON cut short', '{"images": [', /line 1, column 13: the file ends/],
  ['a list', [], /"images" is not an array/],
  ['null', null, /"images" is not an array/],
  ['no annotations', { ...base, annotations: undefined }, /"annotations" is not an array/],
  ['no images', { ...base, images: [], annotations: [] }, /"images" is empty/],
  ['no categories', { ...base, categories: [], annotations: [] }, /"categories" is empty/],
  ['an entry that is no object', { ...base, images: [3] }, /images\[0\] is 3, expected an object/],
  [
    'an image without size',
    { ...base, images: [{ ...image, width: 0 }] },
    /images\[0\]\.width is 0, expected a positive/,
  ],
  ['an image without name', { ...base, images: [{ ...image, file_name: 5 }] }, /images\[0\]\.file_name is 5/],
  ['an image id twice', { ...base, images: [image, image] }, /images\[1\]\.id is 11, used before/],
  [
    'a class name twice',
    {
      ...base,
      categories: [
        { id: 1, name: 'a' },
        { id: 2, name: 'a' },
      ],
    },
    /categories\[1\]\.name/,
  ],
  ['an unknown image', annotated({ image_id: 12 }), /annotations\[1\]\.image_id is 12, which "images" does not list/],
  ['an unknown category', annotated({ category_id: 1 }), /annotations\[1\]\.category_id is 1, expected one of 90, 7/],
  [
    'a box of three',
    annotated({ bbox: [1, 2, 3] }),
    /annotations\[1\]\.bbox is \[1,2,3\], expected \[x, y, width, height\]/,
  ],
  ['no box', annotated({ bbox: undefined }), /annotations\[1\]\.bbox is undefined/],
  ['an area that is no number', annotated({ area: '5' }), /annotations\[1\]\.area is "5"/],
])('%s is rejected', async (_, json, message) => {
  const reading = read(json);
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(message);
});

async function dataFolder(name: string, annotations: unknown): Promise<string> {
  const data = join(folder, name);
  await mkdir(join(data, 'annotations'), { recursive: true });
  await mkdir(join(data, 'images', 'sub'), { recursive: true });
  if (annotations) await writeFile(join(data, 'annotations', 'val.json'), JSON.stringify(annotations));
  const png = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#336699' } });
  await png(40, 30)
    .png()
    .toFile(join(data, 'images', 'a.png'));
  await png(20, 20)
    .png()
    .toFile(join(data, 'images', 'sub', 'b.png'));
  return data;
}

test('a data folder gives samples with their objects', async () => {
  const data = await dataFolder('good', { ...base, images: [image, other] });
  const source = await openDataset(data, 'val');
  expect(source.length).toBe(2);
  expect(source.paths[1]).toBe(join(data, 'images', 'sub', 'b.png'));
  const sample = await source.load(0);
  expect(sample).toMatchObject({ width: 40, height: 30, id: 11, labels: Int32Array.of(1) });
  expect([...sample.pixels.subarray(0, 3)]).toEqual([0x33, 0x66, 0x99]);
  expect((await source.load(1)).boxes).toHaveLength(0);
});

test('what a data folder lacks is named', async () => {
  await expect(openDataset(join(folder, 'nowhere'), 'val')).rejects.toThrow(
    /nowhere does not exist; a data folder holds/,
  );
  const data = await dataFolder('bad', null);
  await expect(openDataset(data, 'val')).rejects.toThrow(/val\.json does not exist/);
  await writeFile(join(data, 'annotations', 'val.json'), JSON.stringify(base));
  await rm(join(data, 'images', 'a.png'));
  const opening = openDataset(data, 'val');
  await expect(opening).rejects.toThrow(InputError);
  await expect(opening).rejects.toThrow(/images\/a\.png of .*val\.json does not exist/);
  await rm(join(data, 'images'), { recursive: true });
  await expect(openDataset(data, 'val')).rejects.toThrow(/images does not exist; a data folder holds/);
});

test('an image of another size than annotated is rejected', async () => {
  const data = await dataFolder('size', { ...base, images: [{ ...image, width: 41 }] });
  const source = await openDataset(data, 'val');
  await expect(source.load(0)).rejects.toThrow(/a\.png is 40×30 pixels but .* says 41×30/);
});
