import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AtssInput, assignAtss } from './atss.js';
import { type Box, insideMargin, iou } from './boxes.js';
import { truths } from './randomTruths.js';

const grid = { width: 128, height: 96, strides: [8, 16, 32] };
const assign = (changes: Partial<AtssInput>) => assignAtss({ ...grid, boxes: [], labels: [], ...changes });

test('by hand: three candidates on one level', () => {
  // One row of four anchors of side 8 at x = 0, 8, 16, 24; the truth is the anchor at 8 moved by one pixel.
  const truth: Box = [5, -4, 13, 4];
  const line = { width: 32, height: 8, strides: [8], octaveBaseScale: 1, boxes: [truth], labels: [7], topk: 3 };
  const { state, label, truthIndex, thresholds } = assignAtss(line);
  // IoU with the anchors at 8, 16, 0: 7 of 9 pixels, 1 of 15, 0 (the anchor at 0 ends at 4).
  const overlaps = [7 / 9, 1 / 15, 0];
  const mean = (7 / 9 + 1 / 15) / 3;
  const variance = overlaps.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 2;
  expect(thresholds[0]).toBeCloseTo(mean + Math.sqrt(variance), 12);
  expect(Array.from(state)).toEqual([0, 1, 0, 0]);
  expect(Array.from(label)).toEqual([-1, 7, -1, -1]);
  expect(Array.from(truthIndex)).toEqual([-1, 0, -1, -1]);
});

test('equally distant anchors are taken in order of index', () => {
  // The anchor at (8, 8) is nearest; (8, 0), (0, 8), (16, 8), (8, 16) are equally far, and their IoU is not the same.
  const wide: Box = [-4, 6, 20, 10];
  const input = { width: 24, height: 24, strides: [8], octaveBaseScale: 2, boxes: [wide], labels: [0], topk: 2 };
  const { thresholds, state } = assignAtss(input);
  const near = iou([0, 0, 16, 16], wide);
  const tied = iou([0, -8, 16, 8], wide);
  expect(tied).not.toBe(iou([-8, 0, 8, 16], wide));
  expect(thresholds[0]).toBeCloseTo((near + tied) / 2 + Math.abs(near - tied) / Math.SQRT2, 12);
  expect(state.indexOf(1)).toBe(-1);
});

test('fewer than two candidates: the threshold is NaN and nothing is positive', () => {
  const input = { width: 64, height: 64, strides: [64], boxes: [[-200, -200, 200, 200] as Box], labels: [0] };
  const { state, thresholds } = assignAtss(input);
  expect(thresholds[0]).toBeNaN();
  expect(Array.from(state)).toEqual([0]);
});

test('no ground truth: everything is background, ignored regions or not', () => {
  const { state } = assign({ ignore: [[0, 0, 500, 500]], ignoreIofThreshold: 0.5 });
  expect(state.every((s) => s === 0)).toBe(true);
});

test('of two equal ground truths the first wins', () => {
  const box: Box = [20, 20, 84, 84];
  const { truthIndex, state } = assign({ boxes: [box, box], labels: [3, 4] });
  expect(state.includes(1)).toBe(true);
  expect(truthIndex.includes(1)).toBe(false);
});

test('ignored anchors are state -1 unless they are positive all the same; with the threshold off there are none', () => {
  const box: Box = [20, 20, 84, 84];
  const covered = { boxes: [box], labels: [0], ignore: [[-1000, -1000, 1000, 1000] as Box] };
  const plain = assign({ boxes: [box], labels: [0] });
  expect(assign(covered).state).toEqual(plain.state);
  // Every anchor is ignored and equally far: the candidates are then the first of each level by index.
  const { state } = assign({ ...covered, ignoreIofThreshold: 0.5 });
  expect(state.includes(0)).toBe(false);
  expect(state.includes(-1)).toBe(true);
});

test('positives reach their threshold inside their box, and no positive box of higher IoU is passed over', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), ({ boxes, labels }) => {
      const { levels, state, label, truthIndex, thresholds } = assign({ boxes, labels });
      const anchors = levels.flatMap((level) => level.anchors);
      const centres = levels.flatMap((level) => level.centres);
      const alone = boxes.map((box) => assign({ boxes: [box], labels: [0] }).state);
      state.forEach((s, i) => {
        if (s !== 1) {
          expect([label[i], truthIndex[i]]).toEqual([-1, -1]);
          return;
        }
        const g = truthIndex[i];
        expect(label[i]).toBe(labels[g]);
        expect(iou(anchors[i], boxes[g])).toBeGreaterThanOrEqual(thresholds[g]);
        expect(insideMargin(...centres[i], boxes[g])).toBeGreaterThan(0.01);
        boxes.forEach((box, other) => {
          // A box that alone makes this location positive competes for it.
          if (alone[other][i] !== 1) return;
          expect(iou(anchors[i], box)).toBeLessThanOrEqual(iou(anchors[i], boxes[g]));
          if (iou(anchors[i], box) === iou(anchors[i], boxes[g])) expect(g).toBeLessThanOrEqual(other);
        });
      });
    }),
    { numRuns: 50 },
  );
});

test('the order of the ground truths changes neither the states nor the thresholds', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), ({ boxes, labels }) => {
      const forward = assign({ boxes, labels });
      const backward = assign({ boxes: [...boxes].reverse(), labels: [...labels].reverse() });
      expect(backward.state).toEqual(forward.state);
      expect(backward.thresholds).toEqual(Float64Array.from(forward.thresholds).reverse());
    }),
    { numRuns: 50 },
  );
});
