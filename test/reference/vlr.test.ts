import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignAtss } from './atss.js';
import { type Box, diou, iou, pseudoDiou } from './boxes.js';
import { truths } from './randomTruths.js';
import { valuableRegion } from './vlr.js';

const grid = { width: 128, height: 96, strides: [8, 16, 32] };

test('no ground truth: zeros', () => {
  expect(valuableRegion({ ...grid, boxes: [], labels: [], form: 'paper' }).every((v) => v === 0)).toBe(true);
});

test('gamma 1 leaves nothing of the half-open reference form', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), (truth) => {
      const value = valuableRegion({ ...grid, ...truth, form: 'reference', gamma: 1 });
      expect(value.every((v) => v === 0)).toBe(true);
    }),
    { numRuns: 20 },
  );
});

for (const form of ['paper', 'reference'] as const) {
  test(`${form}: a smaller gamma only adds locations`, () => {
    const gamma = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(truths(grid.width, grid.height), gamma, gamma, (truth, a, b) => {
        const wide = valuableRegion({ ...grid, ...truth, form, gamma: Math.min(a, b) });
        const narrow = valuableRegion({ ...grid, ...truth, form, gamma: Math.max(a, b) });
        narrow.forEach((v, i) => {
          expect(wide[i]).toBeGreaterThanOrEqual(v);
        });
      }),
      { numRuns: 50 },
    );
  });
}

test('the fine anchor deep in a large box: in neither form’s region, one by excess, one by lack', () => {
  // 16 anchor sides of 8 pixels in a box of 128: I/area = 1 in the middle, while the IoU is tiny.
  const box: Box = [1, 1, 127, 95];
  const input = { ...grid, octaveBaseScale: 2, boxes: [box], labels: [0] };
  const { levels, thresholds } = assignAtss(input);
  const middle = 6 * levels[0].width + 8;
  const anchor = levels[0].anchors[middle];
  expect(pseudoDiou(anchor, box)).toBeGreaterThan(thresholds[0]);
  expect(diou(anchor, box)).toBeLessThan(0.25 * thresholds[0]);
  expect(valuableRegion({ ...input, form: 'reference' })[middle]).toBe(0);
  expect(valuableRegion({ ...input, form: 'paper' })[middle]).toBe(0);
});

test('the value is the largest IoU among the ground truths for which the location is in the region', () => {
  fc.assert(
    fc.property(truths(grid.width, grid.height), ({ boxes, labels }) => {
      const together = valuableRegion({ ...grid, boxes, labels, form: 'paper' });
      const alone = boxes.map((box) => valuableRegion({ ...grid, boxes: [box], labels: [0], form: 'paper' }));
      const { levels } = assignAtss({ ...grid, boxes, labels });
      levels
        .flatMap((level) => level.anchors)
        .forEach((anchor, i) => {
          const values = alone.map((value, g) => (value[i] > 0 ? iou(anchor, boxes[g]) : 0));
          expect(together[i]).toBe(Math.max(...values));
        });
    }),
    { numRuns: 50 },
  );
});
