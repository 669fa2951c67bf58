import { expect, test } from 'vitest';
import { parseCoco } from '../../src/data/coco.js';
import { InputError } from '../../src/util/error.js';

const images = [{ id: 1, file_name: 'a.png', width: 64, height: 48 }];
const categories = [
  { id: 1, name: 'red' },
  { id: 2, name: 'blue' },
];
const boxes = (...list: number[][]) => list.map((bbox) => ({ image_id: 1, category_id: 1, bbox }));
const read = (annotations: object[], change: object = {}, known?: string[]) =>
  parseCoco({ images, categories, annotations, ...change }, 'a.json', known ? { classes: known } : {});

const right = [
  [10, 10, 20, 20],
  [0, 0, 64, 48],
  [40, 30, 24, 18],
];

test('boxes in pixels inside their image need no word', () => {
  expect(read(boxes(...right))).toMatchObject({ skipped: 0, notices: [], boxFault: null });
});

test('boxes within 0 … 1 are a fault where they are many, a notice where they are few', () => {
  const parts = [
    [0.1, 0.2, 0.3, 0.4],
    [0.5, 0.5, 1, 1],
    [0, 0, 0.9, 0.2],
  ];
  expect(read(boxes(...parts)).boxFault).toMatch(/^bbox: 3 of 3 annotations lie within 0 … 1.*multiply x and width/);
  expect(read(boxes(...parts, ...right)).boxFault).toMatch(/3 of 6 annotations/);
  const few = read(boxes(parts[0], ...right));
  expect(few.boxFault).toBeNull();
  expect(few.notices).toEqual([expect.stringMatching(/^1 of 4 annotations have a box within 0 … 1/)]);
  // Of an image of a pixel they say nothing.
  expect(read(boxes(...parts), { images: [{ ...images[0], width: 1, height: 1 }] }).boxFault).toBeNull();
});

test('corners in place of sizes are a fault; boxes beyond the image are a notice', () => {
  const corners = [
    [10, 10, 30, 30],
    [40, 20, 60, 40],
    [5, 30, 25, 47],
    [1, 2, 30, 20],
  ];
  expect(read(boxes(...corners)).boxFault).toMatch(
    /^bbox: 2 of 4 annotations reach beyond .*corners \(x1, y1, x2, y2\)/,
  );
  const beyond = read(boxes(...right, [50, 40, 20, 5], [-5, 0, 10, 10]));
  expect(beyond.boxFault).toBeNull();
  expect(beyond.notices).toEqual(['2 of 5 annotations reach beyond their image (the first: [50, 40, 20, 5] in 64×48)']);
  expect(read(boxes([50, 40, 14.5, 8.9])).notices).toEqual([]); // a rounded edge
});

test('the field ignore, ids that are there twice and boxes without area are counted', () => {
  const [a, b, c] = boxes(...right);
  expect(read([{ ...a, ignore: 1 }, { ...b, ignore: 0 }, c]).notices).toEqual([
    expect.stringMatching(/^1 of 3 annotations have the field ignore; they count as objects/),
  ]);
  expect(
    read([
      { ...a, id: 7 },
      { ...b, id: 3 },
      { ...c, id: 7 },
    ]).notices,
  ).toEqual([expect.stringMatching(/^1 of 3 annotations have an id that another has before/)]);
  const skipped = read(boxes([70, 10, 5, 5], [1, 1, 0, 4], ...right));
  expect(skipped.skipped).toBe(2);
  expect(skipped.notices[0]).toBe('2 of 5 annotations are left out: no area inside the image');
});

test('where there is no object to learn, that is said', () => {
  expect(read([]).notices).toEqual(['there is no object to learn or to find: "annotations" is empty']);
  const crowds = boxes(...right).map((one) => ({ ...one, iscrowd: 1 }));
  expect(read(crowds).notices).toEqual([
    'there is no object to learn or to find: all 3 annotations are crowds or outside their image',
  ]);
});

const parent = { id: 0, name: 'cells', supercategory: 'none' };
const children = categories.map((category) => ({ ...category, supercategory: 'cells' }));

test('a parent that no annotation has is left out, and told', () => {
  const { classes, truth, notices, images: all } = read(boxes(...right), { categories: [parent, ...children] });
  expect(classes).toEqual(categories);
  expect(truth.categories).toEqual(categories);
  expect([...truth.annotations].map(({ category_id }) => category_id)).toEqual([1, 1, 1]);
  expect(all[0].labels).toEqual(Int32Array.of(0, 0, 0));
  expect(notices).toEqual([
    'category "cells" (id 0) is left out: no annotation has it, and it is only the parent of 2 others',
  ]);
});

test('a parent stays where annotations have it, or a model or another split does', () => {
  const given = { categories: [parent, ...children] };
  expect(read([{ image_id: 1, category_id: 0, bbox: right[0] }], given).classes).toHaveLength(3);
  expect(read(boxes(...right), given, ['cells', 'red', 'blue']).classes).toHaveLength(3);
  expect(read(boxes(...right), given, ['red', 'blue']).classes).toHaveLength(2);
  // COCO's person is its own parent, and is no parent of others.
  const coco = [
    { id: 1, name: 'person', supercategory: 'person' },
    { id: 2, name: 'cat', supercategory: 'animal' },
  ];
  expect(read([], { categories: coco }).classes).toHaveLength(2);
});

test('a parent with the name of a class is left out; two classes of one name are refused', () => {
  const given = [
    { id: 0, name: 'red', supercategory: 'none' },
    ...categories.map((one) => ({ ...one, supercategory: 'red' })),
  ];
  for (const known of [undefined, ['red', 'blue']]) {
    expect(read(boxes(...right), { categories: given }, known).classes).toEqual(categories);
    expect(read([], { categories: given }, known).classes).toEqual(categories);
  }
  const both = [...boxes(...right), { image_id: 1, category_id: 0, bbox: right[0] }];
  expect(() => read(both, { categories: given })).toThrow(InputError);
  expect(() => read(both, { categories: given })).toThrow(/categories\[1\]\.name is "red", used before; rename one/);
});
