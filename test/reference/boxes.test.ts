import { expect, test } from 'vitest';
import { type Box, diou, insideMargin, iof, iou, pseudoDiou } from './boxes.js';

test('the specification’s vectors', () => {
  const anchor: Box = [-32, -32, 32, 32];
  const truth: Box = [-10, -20, 150, 180];
  expect(iou(anchor, truth)).toBeCloseTo(0.064401982, 8);
  expect(diou(anchor, truth)).toBeCloseTo(-0.080343625, 8);
  expect(pseudoDiou(anchor, truth)).toBeCloseTo(0.388457519, 8);
  const inner: Box = [40, 40, 104, 104];
  const outer: Box = [0, 0, 400, 300];
  expect(iou(inner, outer)).toBeCloseTo(0.034133, 6);
  expect(diou(inner, outer)).toBeCloseTo(-0.055739, 6);
  expect(pseudoDiou(inner, outer)).toBeCloseTo(0.910128, 6);
});

test('disjoint, equal and empty boxes', () => {
  expect(iou([0, 0, 1, 1], [2, 2, 3, 3])).toBe(0);
  expect(diou([0, 0, 2, 2], [0, 0, 2, 2])).toBe(1);
  expect(iou([1, 1, 1, 1], [1, 1, 1, 1])).toBe(0);
  expect(iof([0, 0, 2, 2], [0, 0, 1, 2])).toBe(0.5);
});

test('the margin of a point on the edge is zero', () => {
  expect(insideMargin(4, 5, [4, 0, 8, 9])).toBe(0);
  expect(insideMargin(5, 5, [4, 0, 8, 9])).toBe(1);
  expect(insideMargin(9, 5, [4, 0, 8, 9])).toBe(-1);
});
