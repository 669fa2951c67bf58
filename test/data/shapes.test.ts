import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shapesDataset, toCoco } from '../../src/data/shapes.js';
import { averagePrecision } from '../../src/eval/averagePrecision.js';

test('an image is a function of seed and index', async () => {
  const a = shapesDataset({ count: 4, seed: 7 });
  const b = shapesDataset({ count: 9, seed: 7 });
  await b.load(5);
  expect(await a.load(2)).toEqual(await b.load(2));
  expect((await a.load(2)).pixels).not.toEqual((await a.load(3)).pixels);
  expect((await a.load(2)).pixels).not.toEqual((await shapesDataset({ count: 4, seed: 8 }).load(2)).pixels);
});

test('every image has up to eight objects, inside it, of at most 64 pixels', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({ width: fc.integer({ min: 32, max: 200 }), height: fc.integer({ min: 32, max: 200 }) }),
      fc.nat({ max: 1000 }),
      async ({ width, height }, seed) => {
        const { pixels, boxes, labels, ignore } = await shapesDataset({ count: 1, width, height, seed }).load(0);
        expect(pixels).toHaveLength(width * height * 3);
        expect(ignore).toHaveLength(0);
        expect(labels.length).toBeGreaterThanOrEqual(1);
        expect(labels.length).toBeLessThanOrEqual(8);
        expect(boxes).toHaveLength(4 * labels.length);
        for (let i = 0; i < labels.length; i++) {
          const [x1, y1, x2, y2] = boxes.subarray(4 * i, 4 * i + 4);
          expect(Math.min(x1, y1)).toBeGreaterThanOrEqual(0);
          expect(x2).toBeLessThanOrEqual(width);
          expect(y2).toBeLessThanOrEqual(height);
          expect(Math.min(x2 - x1, y2 - y1)).toBeGreaterThan(6);
          expect(Math.max(x2 - x1, y2 - y1)).toBeLessThan(64.001);
          expect(labels[i]).toBeLessThan(3);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('all three classes occur, about equally often', async () => {
  const source = shapesDataset({ count: 100, seed: 1, width: 64, height: 64 });
  const counts = [0, 0, 0];
  for (let i = 0; i < source.length; i++) for (const label of (await source.load(i)).labels) counts[label]++;
  const total = counts[0] + counts[1] + counts[2];
  for (const count of counts) expect(count / total).toBeGreaterThan(0.25);
});

test('its annotations are what the evaluation takes: its own boxes have AP 1, boxes moved by 15 % less above 0.75', async () => {
  const truth = await toCoco(shapesDataset({ count: 20, seed: 2 }));
  expect(truth.images).toHaveLength(20);
  const found = truth.annotations.map(({ image_id, category_id, bbox }) => ({ image_id, category_id, bbox, score: 1 }));
  expect(averagePrecision(truth, found).stats[0]).toBeCloseTo(1, 12);
  const moved = found.map((one) => {
    const [x, y, width, height] = one.bbox;
    return { ...one, bbox: [x + 0.15 * width, y, width, height] as [number, number, number, number] };
  });
  const { stats } = averagePrecision(truth, moved); // IoU 0.85 / 1.15 = 0.739
  expect(stats[1]).toBeGreaterThan(0.9);
  expect(stats[2]).toBeLessThan(0.1);
});

test.each([
  [{ count: 0, seed: 1 }, /count is 0, expected 1 to 1000000 images/],
  [{ count: 1, seed: 1, width: 10 }, /width is 10, expected an integer of at least 32/],
  [{ count: 1, seed: 1, height: 64.5 }, /height is 64\.5/],
])('%j is rejected', (options, message) => {
  expect(() => shapesDataset(options)).toThrow(message);
});
