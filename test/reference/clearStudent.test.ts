import { expect, test } from 'vitest';
import type { Box } from './boxes.js';
import { isClearDynamicSoftLabel, isClearTaskAligned } from './clearStudent.js';

/** One row of four locations, centres at x = 4, 12, 20, 28 and y = 4. */
const line = { width: 32, height: 8, strides: [8], centreOffset: 0.5, topk: 1 };
const whole: Box = [0, 0, 32, 8];
const most: Box = [0, 0, 30, 8];

/** Every location says the same box; the second and the third have the same logit. */
const ranking = (first: number) => ({
  ...line,
  boxes: [whole],
  labels: [0],
  logits: [[first], [31], [31], [-5]],
  predicted: [most, most, most, most],
});

test('task-aligned: not clear where a third location is nearly as good as two equal ones', () => {
  expect(isClearTaskAligned(ranking(1))).toBe(true);
  expect(isClearTaskAligned(ranking(30))).toBe(false);
});

test('dynamic soft labels: the same', () => {
  expect(isClearDynamicSoftLabel(ranking(1))).toBe(true);
  expect(isClearDynamicSoftLabel(ranking(31 + 1e-6))).toBe(false);
});

test('task-aligned: not clear where rounding decides whether a location is contested', () => {
  // The first object chooses the first location, the second one the second, though it fits the first location better, too. The
  // third one touches the box of the first location from `left` on; if it does, the second one takes it.
  const contested = (left: number) => ({
    ...line,
    ...{ alpha: 1, beta: 1, overlap: 'iou' as const },
    boxes: [
      [0, 0, 16, 8],
      [2, 0, 16, 8],
      [0, 0, 8, 8],
    ] satisfies Box[],
    labels: [0, 1, 2],
    logits: [
      [5, -5, 0],
      [-5, 5, 0],
      [0, 0, 0],
      [0, 0, 0],
    ],
    predicted: [[left, 0, 16, 8], [2, 0, 16, 8], whole, whole] satisfies Box[],
  });
  expect(isClearTaskAligned(contested(7))).toBe(true);
  expect(isClearTaskAligned(contested(8 - 1e-6))).toBe(false);
});
