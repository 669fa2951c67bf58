import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Box, boxAt, diou, iou } from './boxes.js';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { ciouLoss, ciouUltralyticsLoss, giouLoss } from './giou.js';

const coordinate = fc.double({ min: -3, max: 3, noNaN: true });
const side = fc.double({ min: 0.5, max: 6, noNaN: true });
const box = fc
  .tuple(coordinate, coordinate, side, side)
  .map(([x, y, width, height]): Box => [x, y, x + width, y + height]);

test('the specification’s vector', () => {
  expect(1 - giouLoss([-32, -32, 32, 32], [-10, -20, 150, 180]).loss).toBeCloseTo(-0.056684479, 8);
});

test('a perfect box has no loss; disjoint boxes lose more than one', () => {
  for (const loss of [giouLoss, ciouLoss]) {
    expect(loss([1, 2, 4, 7], [1, 2, 4, 7]).loss).toBeCloseTo(0, 12);
    expect(loss([0, 0, 1, 1], [3, 3, 4, 4]).loss).toBeGreaterThan(1);
  }
});

test('CIoU of boxes of one aspect ratio is DIoU', () => {
  const [a, b]: Box[] = [
    [0, 0, 2, 4],
    [1, 1, 4, 7],
  ];
  expect(1 - ciouLoss(a, b).loss).toBeCloseTo(diou(a, b), 12);
});

/** Where two edges coincide, or one box begins where the other ends, a loss has a kink. */
function awayFromKinks(predicted: Box, target: Box): void {
  for (const axis of [0, 1]) {
    for (const p of [predicted[axis], predicted[axis + 2]]) {
      for (const t of [target[axis], target[axis + 2]]) fc.pre(Math.abs(p - t) > 1e-3);
    }
  }
}

for (const [name, loss] of Object.entries({ giouLoss, ciouLoss })) {
  test(`${name}: the gradient is the central difference`, () => {
    fc.assert(
      fc.property(box, box, (predicted, target) => {
        awayFromKinks(predicted, target);
        const numeric = centralDifferences((x) => loss(boxAt(x, 0), target).loss, predicted);
        expectClose(loss(predicted, target).gradient, numeric, { absolute: 1e-6, relative: 1e-6 });
      }),
    );
  });
}

test('Ultralytics’ CIoU is CIoU but for 1e-7 here and there; its gradient holds the trade-off factor fixed', () => {
  fc.assert(
    fc.property(box, box, (predicted, target) => {
      awayFromKinks(predicted, target);
      const { loss, gradient } = ciouUltralyticsLoss(predicted, target);
      expect(loss).toBeCloseTo(ciouLoss(predicted, target).loss, 5);
      const angle = ([x1, y1, x2, y2]: Box) => Math.atan((x2 - x1) / (y2 - y1 + 1e-7));
      const aspect = (b: Box) => (4 / Math.PI ** 2) * (angle(target) - angle(b)) ** 2;
      const factor = (b: Box) => aspect(b) / (aspect(b) - iou(b, target) + 1 + 1e-7);
      const fixed = factor(predicted);
      const numeric = centralDifferences((x) => {
        const moved = boxAt(x, 0);
        return ciouUltralyticsLoss(moved, target).loss + (fixed - factor(moved)) * aspect(moved);
      }, predicted);
      // Its IoU has 1e-7 in the heights and the union, ours has not.
      expectClose(gradient, numeric, { absolute: 1e-5 });
    }),
  );
});

test('Ultralytics’ CIoU of boxes without width or height is finite', () => {
  // By hand: heights and union are 1e-7, the aspects are equal, and so is the centre.
  const { loss, gradient } = ciouUltralyticsLoss([2, 2, 2, 2], [2, 2, 2, 2]);
  expect(loss).toBe(1);
  expect(gradient.every(Number.isFinite)).toBe(true);
});

test('at a tie each side has half of the gradient: the mean of the one-sided slopes', () => {
  const target: Box = [0, 0, 4, 3];
  const predicted: Box = [0, 0.5, 3, 3];
  const step = 1e-6;
  const at = (x1: number) => giouLoss([x1, 0.5, 3, 3], target).loss;
  const slopes = (at(step) - at(0)) / step + (at(0) - at(-step)) / step;
  expect(giouLoss(predicted, target).gradient[0]).toBeCloseTo(slopes / 2, 5);
});
