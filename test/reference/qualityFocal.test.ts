import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { qualityFocalLoss } from './qualityFocal.js';

test('the specification’s vectors', () => {
  // logit, quality, loss, gradient, half a unit in the last printed digit
  const cases: [number, number, number, number, number][] = [
    [0.5, 0, 0.3774116, 0.52615182, 5e-9],
    [0.5, 0.8, 0.0180953, -0.05350031, 5e-9],
    [-4.59511985, 0, 1.005034e-6, 2.989967e-6, 5e-13],
  ];
  for (const [logit, quality, loss, gradient, absolute] of cases) {
    const actual = qualityFocalLoss(logit, quality);
    expectClose([actual.loss, actual.gradient], [loss, gradient], { absolute });
  }
});

test('the gradient is the central difference for several beta', () => {
  fc.assert(
    fc.property(
      fc.double({ min: -8, max: 8, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(1, 1.5, 2, 3),
      (logit, quality, beta) => {
        // |y - s|^beta has a kink at y = s for beta = 1; a difference across it is not a derivative.
        fc.pre(Math.abs(quality - 1 / (1 + Math.exp(-logit))) > 1e-3);
        const numeric = centralDifferences((x) => qualityFocalLoss(x[0], quality, beta).loss, [logit]);
        expectClose([qualityFocalLoss(logit, quality, beta).gradient], numeric, { absolute: 1e-6 });
      },
    ),
  );
});

test('finite and right for logits of ten thousand', () => {
  expect(qualityFocalLoss(1e4, 0)).toEqual({ loss: 1e4, gradient: 1 });
  expect(qualityFocalLoss(-1e4, 0)).toEqual({ loss: 0, gradient: 0 });
  expect(qualityFocalLoss(-1e4, 1)).toEqual({ loss: 1e4, gradient: -1 });
});
