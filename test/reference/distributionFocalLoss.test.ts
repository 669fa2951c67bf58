import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { distributionFocalLoss } from './distributionFocalLoss.js';

const sine = Array.from({ length: 17 }, (_, k) => Math.sin(0.7 * k));

test('the specification’s vector', () => {
  expect(distributionFocalLoss(sine, 3.3).loss).toBeCloseTo(2.3963931275, 9);
});

test('targets are clamped to [0, bins - 1.1]', () => {
  expect(distributionFocalLoss(sine, -4)).toEqual(distributionFocalLoss(sine, 0));
  expect(distributionFocalLoss(sine, 400)).toEqual(distributionFocalLoss(sine, 15.9));
  expect(distributionFocalLoss(sine, 15.95)).toEqual(distributionFocalLoss(sine, 15.9));
});

test('the gradient is the central difference', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 3, maxLength: 33 }),
      fc.double({ min: -2, max: 40, noNaN: true }),
      (z, distance) => {
        const numeric = centralDifferences((x) => distributionFocalLoss(x, distance).loss, z);
        expectClose(distributionFocalLoss(z, distance).gradient, numeric, { absolute: 1e-7 });
      },
    ),
  );
});
