import { expect, test } from 'vitest';
import { type GroundTruth, uploadTruth } from '../../src/regions/truth.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const size = { batch: 3, classes: 4 };
const box = (x: number) => [x, 0, x + 1, 2];

test('boxes are grouped by image and keep their order within an image', async () => {
  const images = [2, 0, 2, 0];
  const truth = uploadTruth(device, { boxes: [1, 2, 3, 4].flatMap(box), labels: [0, 1, 2, 3], images }, size);
  expect(truth.count).toBe(4);
  expect(Array.from(await truth.boxes.read())).toEqual([2, 4, 1, 3].flatMap(box));
  expect(Array.from(await truth.labels.read())).toEqual([1, 3, 0, 2]);
  expect(Array.from(await truth.images.read())).toEqual([0, 0, 2, 2]);
  expect(Array.from(await truth.imageStarts.read())).toEqual([0, 2, 2, 4]);
});

test('no boxes, and no ignore boxes', async () => {
  const truth = uploadTruth(device, { boxes: [], labels: [], images: [] }, size);
  expect([truth.count, truth.ignoreCount]).toEqual([0, 0]);
  expect(Array.from(await truth.imageStarts.read())).toEqual([0, 0, 0, 0]);
  expect(Array.from(await truth.ignoreStarts.read())).toEqual([0, 0, 0, 0]);
});

test.each<[string, Partial<GroundTruth>, RegExp]>([
  ['a box short', { boxes: box(1) }, /boxes: 4 values for 2 images/],
  ['a label short', { labels: [0] }, /labels: 1 of them for 2 boxes/],
  ['a box that is not finite', { boxes: [...box(1), Number.NaN, 0, 1, 1] }, /boxes: box 1 is \[NaN,0,1,1\]/],
  ['a huge box', { boxes: [...box(1), 0, 0, 1e30, 1] }, /boxes: box 1 .* below 1000000000/],
  ['a box of width and height', { boxes: [...box(1), 50, 50, 10, 10] }, /box 1 is \[50,50,10,10\].*x1 ≤ x2/],
  ['a class too many', { labels: [0, 4] }, /labels: entry 1 is 4; there are 4 classes/],
  ['a label that is no index', { labels: [0, 0.5] }, /labels: entry 1 is 0.5/],
  ['an image too many', { images: [0, 3] }, /images: entry 1 is 3; there are 3 images in the batch/],
  ['an ignore box short', { ignoreImages: [0] }, /ignoreBoxes: 0 values for 1 ignoreImages/],
  ['a size short', { imageSizes: [1, 1] }, /imageSizes: 2 values; expected width and height of 3 images/],
  ['no size', { imageSizes: [1, 1, 1, 1, 1, 0] }, /imageSizes: entry 5 is 0/],
])('%s is named', (_, change, message) => {
  const right = { boxes: [...box(1), ...box(2)], labels: [0, 1], images: [0, 1] };
  expect(() => uploadTruth(device, { ...right, ...change }, size)).toThrow(message);
});

test('batch and classes are counts', () => {
  const none = { boxes: [], labels: [], images: [] };
  expect(() => uploadTruth(device, none, { batch: 0, classes: 1 })).toThrow(/batch: 0/);
  expect(() => uploadTruth(device, none, { batch: 1, classes: 1.5 })).toThrow(/classes: 1.5/);
});
