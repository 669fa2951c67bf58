import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Box, insideMargin, iou } from './boxes.js';
import { bce } from './classLosses.js';
import { assignDynamicSoftLabel } from './dynamicSoftLabel.js';
import { gridLevels } from './grid.js';
import { randomPredictions } from './randomPredictions.js';
import { truths } from './randomTruths.js';

/** One row of four locations at x = 4, 12, 20, 28 and y = 4. */
const line = { width: 32, height: 8, strides: [8], centreOffset: 0.5 };
const A: Box = [0, 0, 16, 8];
const B: Box = [16, 0, 32, 8];
const sure = [
  [3, -3],
  [3, -3],
  [-3, 3],
  [-3, 3],
];

test('by hand: as many locations as the IoUs sum to, truncated, the cheapest first', () => {
  const predicted: Box[] = [[0, 0, 8, 8], A, [100, 0, 101, 8], [100, 0, 101, 8]];
  const logits = [sure[0], sure[1], [-3, -3], sure[3]];
  // A: 0.5 + 1 = 1.5 -> 1, the location of IoU 1. B has no overlap at all and still takes one, that of the lowest scores.
  const assign = (boxes: Box[]) => assignDynamicSoftLabel({ ...line, boxes, labels: [0, 1], logits, predicted });
  const { state, label, truthIndex, score } = assign([A, B]);
  expect(Array.from(state)).toEqual([0, 1, 1, 0]);
  expect(Array.from(label)).toEqual([-1, 0, 1, -1]);
  expect(Array.from(truthIndex)).toEqual([-1, 0, 1, -1]);
  expect(Array.from(score)).toEqual([0, 1, 0, 0]);
});

test('an object may take a location that only another object holds', () => {
  const boxes: Box[] = [A, [16, 0, 19, 8]]; // no centre in the second
  const predicted: Box[] = [A, [16, 0, 19, 8], A, A];
  const { truthIndex } = assignDynamicSoftLabel({ ...line, boxes, labels: [0, 1], logits: sure, predicted });
  expect(Array.from(truthIndex)).toEqual([0, 1, -1, -1]);
});

test('equal costs are taken in order of index, equal objects first', () => {
  const logits = sure.map(() => [0, 0]);
  const half: Box = [0, 0, 16, 4];
  const predicted = [half, half, half, half];
  const wide: Box = [0, 0, 32, 4];
  const input = { ...line, logits, predicted };
  const taken = assignDynamicSoftLabel({ ...input, boxes: [wide], labels: [0] });
  expect(iou(half, wide)).toBe(0.5);
  expect(taken.state.includes(1)).toBe(false); // the centres are on the edge, not strictly inside
  const tall: Box = [0, 0, 32, 8];
  const two = assignDynamicSoftLabel({ ...input, predicted: predicted.map(() => A), boxes: [tall], labels: [0] });
  expect(Array.from(two.state)).toEqual([1, 1, 0, 0]);
  const same = assignDynamicSoftLabel({ ...input, boxes: [tall, tall], labels: [1, 1] });
  expect(same.truthIndex.includes(1)).toBe(false);
});

test('a location that two objects took goes to the lowest cost', () => {
  const boxes: Box[] = [A, [0, 0, 16, 7]];
  const predicted: Box[] = [A, A, A, A];
  const { truthIndex, score } = assignDynamicSoftLabel({ ...line, boxes, labels: [1, 0], logits: sure, predicted });
  // The first takes both locations, the second (7/8 + 7/8 -> 1) one, where its class outweighs its lower IoU.
  expect(Array.from(truthIndex)).toEqual([1, 0, -1, -1]);
  expect(score[0]).toBe(0.875);
  const costly = { ...line, boxes, labels: [1, 0], logits: sure, predicted, iouWeight: 1000 };
  expect(Array.from(assignDynamicSoftLabel(costly).truthIndex)).toEqual([0, 0, -1, -1]);
});

test('no object, or none that holds a centre: everything is background', () => {
  const predicted: Box[] = [A, A, A, A];
  for (const boxes of [[], [[5, 5, 6, 6]] as Box[]]) {
    const { state } = assignDynamicSoftLabel({ ...line, boxes, labels: [0], logits: sure, predicted });
    expect(state.includes(1)).toBe(false);
  }
});

const grid = { width: 64, height: 48, strides: [8, 16, 32] };
const CLASSES = 5;
const seeds = fc.integer({ min: 1, max: 1e6 });

test('positives are candidates whose object is the cheapest claim; there are no more than the dynamic ks add up to', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), seeds, ({ boxes, labels }, seed) => {
      const predictions = randomPredictions(grid, CLASSES, seed);
      const { logits, predicted } = predictions;
      const { state, label, truthIndex, score } = assignDynamicSoftLabel({ ...grid, ...predictions, boxes, labels });
      const centres = gridLevels(grid).flatMap((level) => level.centres);
      const candidates = centres.flatMap(([x, y], i) => (boxes.some((b) => insideMargin(x, y, b) > 0) ? [i] : []));
      const cost = (i: number, g: number) => {
        const overlap = iou(predicted[i], boxes[g]);
        const classes = Array.from(logits[i], (logit, c) => {
          const { loss, gradient } = bce(logit, c === labels[g] ? overlap : 0);
          return loss * gradient ** 2;
        });
        return classes.reduce((a, b) => a + b) - 3 * Math.log(overlap + 1e-7);
      };
      const limits = boxes.map((box) => {
        const best = candidates.map((i) => iou(predicted[i], box)).sort((a, b) => b - a);
        return Math.max(1, Math.floor(best.slice(0, 13).reduce((a, b) => a + b, 0)));
      });
      const positives = Array.from(state).flatMap((s, i) => (s === 1 ? [i] : []));
      expect(positives.length).toBeLessThanOrEqual(limits.reduce((a, b) => a + b));
      const thresholds = boxes.map((_, g) => candidates.map((i) => cost(i, g)).sort((a, b) => a - b)[limits[g] - 1]);
      for (const i of candidates) {
        const costs = boxes.map((_, g) => cost(i, g));
        const claims = costs.flatMap((c, g) => (c <= thresholds[g] + 1e-9 ? [g] : []));
        expect(state[i]).toBe(claims.length > 0 ? 1 : 0);
        if (claims.length === 1) expect(truthIndex[i]).toBe(claims[0]);
        if (claims.length > 1) expect(costs[truthIndex[i]]).toBeCloseTo(Math.min(...costs), 9);
      }
      for (const i of positives) {
        expect(candidates).toContain(i);
        expect(label[i]).toBe(labels[truthIndex[i]]);
        expect(score[i]).toBe(iou(predicted[i], boxes[truthIndex[i]]));
        expect(score[i]).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 60 },
  );
});

test('the order of the objects changes nothing', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), seeds, ({ boxes, labels }, seed) => {
      fc.pre(new Set(boxes.map((box) => box.join())).size === boxes.length);
      const input = { ...grid, ...randomPredictions(grid, CLASSES, seed) };
      const forward = assignDynamicSoftLabel({ ...input, boxes, labels });
      const backward = assignDynamicSoftLabel({ ...input, boxes: [...boxes].reverse(), labels: [...labels].reverse() });
      expect(backward.truthIndex).toEqual(forward.truthIndex.map((g) => (g < 0 ? -1 : boxes.length - 1 - g)));
      expect(backward.score).toEqual(forward.score);
    }),
    { numRuns: 60 },
  );
});
