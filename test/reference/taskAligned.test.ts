import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sigmoid } from './bins.js';
import { type Box, iou } from './boxes.js';
import { gridLevels } from './grid.js';
import { randomPredictions } from './randomPredictions.js';
import { truths } from './randomTruths.js';
import { assignTaskAligned, type TaskAlignedInput } from './taskAligned.js';

/** One row of four locations, centres at x = 4, 12, 20, 28 and y = 4; the metric is score times IoU unless said otherwise. */
const line = { width: 32, height: 8, strides: [8], centreOffset: 0.5, alpha: 1, beta: 1, overlap: 'iou' } as const;
const assignLine = (
  input: Pick<TaskAlignedInput, 'boxes' | 'labels' | 'logits' | 'predicted'> & Partial<TaskAlignedInput>,
) => assignTaskAligned({ ...line, ...input });
const [A, B]: Box[] = [
  [0, 0, 16, 8],
  [8, 0, 32, 8],
];

test('by hand: the best location has its IoU as score, the others their share', () => {
  const logits = [[1], [0], [2], [3]];
  const predicted: Box[] = [[0, 0, 8, 8], [0, 0, 12, 8], A, A];
  const { state, label, truthIndex, score } = assignLine({ boxes: [A], labels: [0], logits, predicted });
  const metrics = [sigmoid(1) * 0.5, sigmoid(0) * 0.75];
  const most = Math.max(...metrics);
  expect(Array.from(state)).toEqual([1, 1, 0, 0]);
  expect(Array.from(label)).toEqual([0, 0, -1, -1]);
  expect(Array.from(truthIndex)).toEqual([0, 0, -1, -1]);
  // U is the largest overlap of a positive, whichever has the largest metric.
  expect(score[0]).toBeCloseTo((metrics[0] / most) * 0.75, 8);
  expect(score[1]).toBeCloseTo((metrics[1] / most) * 0.75, 8);
  expect(Array.from(score.slice(2))).toEqual([0, 0]);
});

test('the exponents are those of score and overlap', () => {
  const logits = [[1], [-1], [0], [0]];
  const predicted: Box[] = [[0, 0, 8, 8], A, A, A];
  const { score } = assignLine({ boxes: [A], labels: [0], logits, predicted, alpha: 0.5, beta: 3 });
  const metrics = [sigmoid(1) ** 0.5 * 0.5 ** 3, sigmoid(-1) ** 0.5];
  expect(score[0] / score[1]).toBeCloseTo(metrics[0] / metrics[1], 12);
});

test('equal metrics are taken in order of index; a metric of 0 never', () => {
  const same = { labels: [0], logits: [[0], [0], [0], [0]], boxes: [[0, 0, 32, 8] as Box] };
  const predicted: Box[] = [A, A, A, [100, 0, 110, 8]];
  expect(Array.from(assignLine({ ...same, predicted, topk: 2 }).state)).toEqual([1, 1, 0, 0]);
  expect(Array.from(assignLine({ ...same, predicted, topk: 4 }).state)).toEqual([1, 1, 1, 0]);
});

test('a location that two objects chose goes to the largest overlap among all objects, then to the first', () => {
  // The third object has IoU 1 with the first location but, by its class, chose the second.
  const logits = [
    [0, 0, -50],
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  const boxes: Box[] = [[0, 0, 14, 8], [2, 0, 16, 8], A];
  const predicted: Box[] = [A, [8, 0, 16, 8], B, B];
  const input = { labels: [0, 1, 2], logits, predicted, topk: 1 };
  expect(Array.from(assignLine({ ...input, boxes }).truthIndex)).toEqual([2, 2, -1, -1]);
  expect(Array.from(assignLine({ ...input, boxes: boxes.slice(0, 2) }).truthIndex)).toEqual([0, -1, -1, -1]);
  expect(Array.from(assignLine({ ...input, boxes: [A, A] }).truthIndex)).toEqual([0, -1, -1, -1]);
});

test('without the mask a location may go to an object that does not hold it', () => {
  const boxes: Box[] = [
    [0, 0, 16, 8],
    [2, 0, 18, 8],
    [13, 0, 32, 8],
  ];
  const input = {
    boxes,
    labels: [0, 0, 0],
    logits: [[0], [0], [0], [0]],
    predicted: [A, [13, 0, 32, 8], A, A] as Box[],
  };
  expect(assignLine(input).truthIndex[1]).toBe(1);
  expect(assignLine({ ...input, masked: false }).truthIndex[1]).toBe(2);
});

test('small targets: a side below the first stride reaches as far as the second stride', () => {
  const grid = { ...line, width: 32, height: 16, strides: [8, 16] };
  const centres = gridLevels(grid).flatMap((level) => level.centres);
  // Wider than a stride, lower than one, and off every centre.
  const box: Box = [6, 6, 18, 8];
  const input = {
    ...grid,
    boxes: [box],
    labels: [0],
    logits: centres.map(() => [0]),
    predicted: centres.map(() => box),
  };
  const positives = (smallTargets: boolean) =>
    centres.filter((_, i) => assignTaskAligned({ ...input, smallTargets }).state[i] === 1);
  expect(positives(false)).toEqual([]);
  // 12 pixels wide as before, but 16 high: from -1 to 15.
  expect(positives(true)).toEqual([
    [12, 4],
    [12, 12],
    [8, 8],
  ]);
});

test('small targets of one level: a side reaches as far as its stride', () => {
  const box: Box = [5, 5, 6, 6]; // enlarged to 1.5 … 9.5
  const input = { boxes: [box], labels: [0], logits: [[0], [0], [0], [0]], predicted: [box, box, box, box] };
  expect(Array.from(assignLine({ ...input, smallTargets: true }).state)).toEqual([1, 0, 0, 0]);
  expect(assignLine(input).state.includes(1)).toBe(false);
});

test('no objects: everything is background', () => {
  const { state, score } = assignLine({ boxes: [], labels: [], logits: [[0], [0], [0], [0]], predicted: [A, A, A, A] });
  expect([...state, ...score]).toEqual(new Array(8).fill(0));
});

const grid = { width: 64, height: 48, strides: [8, 16, 32], centreOffset: 0.5 };
const CLASSES = 5;
const options = fc.record({
  topk: fc.integer({ min: 1, max: 13 }),
  alpha: fc.constantFrom(0.5, 1),
  beta: fc.constantFrom(1, 6),
  overlap: fc.constantFrom('ciou' as const, 'iou' as const),
  masked: fc.boolean(),
  smallTargets: fc.boolean(),
});
const seeds = fc.integer({ min: 1, max: 1e6 });

test('an object alone has at most k positives inside it; among others, conflicts are all that changes', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), options, seeds, ({ boxes, labels }, given, seed) => {
      const input = { ...grid, ...given, ...randomPredictions(grid, CLASSES, seed) };
      const { state, label, truthIndex, score } = assignTaskAligned({ ...input, boxes, labels });
      const alone = boxes.map((box, g) => assignTaskAligned({ ...input, boxes: [box], labels: [labels[g]] }));
      for (const { state: own } of alone) expect(own.filter((s) => s === 1).length).toBeLessThanOrEqual(given.topk);
      state.forEach((s, i) => {
        const claims = boxes.flatMap((_, g) => (alone[g].state[i] === 1 ? [g] : []));
        expect(s).toBe(claims.length > 0 ? 1 : 0);
        expect(label[i]).toBe(s === 1 ? labels[truthIndex[i]] : -1);
        if (claims.length < 2) expect(truthIndex[i]).toBe(claims[0] ?? -1);
        if (s === 0) expect(score[i]).toBe(0);
        expect(score[i]).toBeGreaterThanOrEqual(0);
        expect(score[i]).toBeLessThanOrEqual(1 + 1e-12);
      });
    }),
    { numRuns: 60 },
  );
});

test('the largest score of an object is the largest IoU of its positives', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), seeds, ({ boxes, labels }, seed) => {
      const predictions = randomPredictions(grid, CLASSES, seed);
      const { truthIndex, score } = assignTaskAligned({
        ...grid,
        ...predictions,
        boxes,
        labels,
        beta: 1,
        overlap: 'iou',
      });
      boxes.forEach((box, g) => {
        const own = Array.from(truthIndex).flatMap((t, i) => (t === g ? [i] : []));
        const best = Math.max(0, ...own.map((i) => iou(predictions.predicted[i], box)));
        const most = Math.max(0, ...own.map((i) => score[i]));
        // 1e-9 is added to the largest metric.
        expect(most).toBeLessThanOrEqual(best);
        expect(most).toBeGreaterThanOrEqual(best * 0.999 - 1e-9);
      });
    }),
    { numRuns: 60 },
  );
});

test('the order of the objects changes nothing', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), options, seeds, ({ boxes, labels }, given, seed) => {
      fc.pre(new Set(boxes.map((box) => box.join())).size === boxes.length);
      const input = { ...grid, ...given, ...randomPredictions(grid, CLASSES, seed) };
      const forward = assignTaskAligned({ ...input, boxes, labels });
      const backward = assignTaskAligned({ ...input, boxes: [...boxes].reverse(), labels: [...labels].reverse() });
      expect(backward.truthIndex).toEqual(forward.truthIndex.map((g) => (g < 0 ? -1 : boxes.length - 1 - g)));
      expect(backward.score).toEqual(forward.score);
    }),
    { numRuns: 60 },
  );
});
