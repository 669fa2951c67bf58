import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCoco } from '../../src/data/coco.js';
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
  const all = [...truth.annotations];
  expect(all[3]).toMatchObject({ bbox: [35, 25, 10, 10], area: 100, iscrowd: 0 });
  expect(all[5]).toMatchObject({ area: 50, iscrowd: 1 });
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
  ['no box', annotated({ bbox: undefined }), /annotations\[1\]\.bbox is missing/],
  ['an area that is no number', annotated({ area: '5' }), /annotations\[1\]\.area is "5".*take the quotes away/],
  ['a crowd that is a text', annotated({ iscrowd: 'false' }), /iscrowd is "false".*take the quotes away/],
  ['a negative area', annotated({ area: -1 }), /annotations\[1\]\.area is -1, expected a number .*0 to 1e10/],
  [
    'an infinite box',
    `{"images": [], "categories": [], "annotations": [{"bbox": [1e999, 0, 1, 1]}]}`,
    /bbox is \[Infinity,0/,
  ],
  [
    'a crowd flag that is a text',
    annotated({ iscrowd: '0' }),
    /annotations\[1\]\.iscrowd is "0", expected 0, 1, true or/,
  ],
  ['a crowd flag that is null', annotated({ iscrowd: null }), /annotations\[1\]\.iscrowd is null/],
  ['a crowd flag that is 2', annotated({ iscrowd: 2 }), /annotations\[1\]\.iscrowd is 2/],
  ['a list twice', '{"images": [], "images": []}', /"images" is there twice/],
])('%s is rejected', async (_, json, message) => {
  const reading = read(json);
  await expect(reading).rejects.toThrow(InputError);
  await expect(reading).rejects.toThrow(message);
});

test('the faults of a file are told together: the first of each kind, and how many there are', async () => {
  const annotations = [...Array(20)].map((_, i) => ({
    ...annotation,
    iscrowd: i < 7 ? '0' : 0,
    image_id: i < 3 ? 'a' : 11,
  }));
  await expect(read({ ...base, annotations: [...annotations, 7, {}] })).rejects.toThrow(
    /image_id is "a", expected an integer \(in 4 of 22 annotations\); annotations\[0\]\.iscrowd is "0", .*\(in 7 of 22 annotations\); annotations\[20\] is 7, expected an object \(in 1 of 22 annotations\); and 2 other kinds of faults$/,
  );
  await expect(read({ ...base, annotations: [{ iscrowd: 2 }] })).rejects.toThrow(/and 1 other kind of faults$/);
  await expect(read(annotated({ bbox: Array(9e4).fill([[[[1]]]]) }))).rejects.toThrow(
    /bbox is \[\[\[…\]\],.*,…\], expected/,
  );
});
