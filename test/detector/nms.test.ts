import fc from 'fast-check';
import { expect, test } from 'vitest';
import { suppress } from '../../src/detector/nms.js';
import type { Box } from '../reference/boxes.js';
import { suppressed } from '../reference/decode.js';

// Whole numbers on a small grid: equal scores, equal boxes, empty boxes and exact IoUs all occur.
const coordinate = fc.integer({ min: 0, max: 12 });
const candidate = fc
  .tuple(coordinate, coordinate, coordinate, coordinate, fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 2 }))
  .map(([x, y, width, height, score, label]) => {
    const box: Box = [x, y, x + width, y + height];
    return { box, score: score / 8, label };
  });

function run(all: { box: Box; score: number; label: number }[], iou: number, maximum: number): number[] {
  const boxes = all.flatMap(({ box }) => [...box]);
  const scores = all.map(({ score }) => score);
  const labels = all.map(({ label }) => label);
  return suppress({ boxes, scores, labels }, iou, maximum);
}

test('keeps what greedy suppression by its definition keeps, in the same order', () => {
  fc.assert(
    fc.property(
      fc.array(candidate, { maxLength: 40 }),
      fc.constantFrom(0, 0.25, 0.5, 0.6, 1),
      fc.integer({ min: 0, max: 40 }),
      (all, iou, maximum) => {
        const entries = all.map((entry, location) => ({ ...entry, location }));
        const expected = suppressed(entries, iou).map(({ location }) => location);
        expect(run(all, iou, maximum)).toEqual(expected.slice(0, maximum));
      },
    ),
    { numRuns: 300 },
  );
});

test('a box of exactly the limit is kept, one above it is not', () => {
  const all = [
    { box: [0, 0, 10, 10] as const, score: 0.9, label: 0 },
    { box: [0, 0, 10, 6] as const, score: 0.8, label: 0 },
    { box: [0, 0, 10, 7] as const, score: 0.7, label: 0 },
  ];
  expect(run(all, 0.6, 100)).toEqual([0, 1]);
});

test('boxes of different classes do not suppress each other', () => {
  const box = [3, 4, 10, 12] as const;
  const all = [0, 1, 2, 1].map((label, index) => ({ box, score: 0.9 - index / 10, label }));
  expect(run(all, 0.6, 100)).toEqual([0, 1, 2]);
});
