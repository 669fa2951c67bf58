import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sigmoid } from './bins.js';
import { bce, varifocal } from './classLosses.js';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { qualityFocalLoss } from './qualityFocal.js';

const logits = fc.double({ min: -8, max: 8, noNaN: true });
const targets = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true }));

test('BCE by hand: a hard target is the logarithm of the score, a soft one the mean of both', () => {
  expectClose([bce(0.7, 1).loss, bce(0.7, 0).loss], [-Math.log(sigmoid(0.7)), -Math.log(1 - sigmoid(0.7))], {
    absolute: 1e-15,
  });
  expect(bce(0.7, 0.25).loss).toBeCloseTo(0.25 * bce(0.7, 1).loss + 0.75 * bce(0.7, 0).loss, 14);
});

test('varifocal by hand: a positive weighs its target or 1, a negative alpha s^gamma', () => {
  const [score, q] = [sigmoid(0.4), 0.6];
  const entropy = -q * Math.log(score) - (1 - q) * Math.log(1 - score);
  expect(varifocal(0.4, q).loss).toBeCloseTo(q * entropy, 14);
  expect(varifocal(0.4, q, { iouWeighted: false }).loss).toBeCloseTo(entropy, 14);
  expect(varifocal(0.4, 0).loss).toBeCloseTo(-0.75 * score ** 2 * Math.log(1 - score), 14);
  expect(varifocal(0.4, 0, { alpha: 0.5, gamma: 3 }).loss).toBeCloseTo(-0.5 * score ** 3 * Math.log(1 - score), 14);
});

test('BCE is quality focal loss of beta 0', () => {
  fc.assert(
    fc.property(logits, targets, (logit, target) => {
      const [actual, expected] = [bce(logit, target), qualityFocalLoss(logit, target, 0)];
      expectClose([actual.loss, actual.gradient], [expected.loss, expected.gradient], { absolute: 1e-12 });
    }),
  );
});

test('gradients are central differences', () => {
  fc.assert(
    fc.property(
      logits,
      targets,
      fc.record({
        alpha: fc.double({ min: 0.1, max: 1, noNaN: true }),
        gamma: fc.constantFrom(0, 1, 1.5, 2),
        iouWeighted: fc.boolean(),
      }),
      (logit, target, options) => {
        for (const loss of [(x: number) => bce(x, target), (x: number) => varifocal(x, target, options)]) {
          const numeric = centralDifferences((x) => loss(x[0]).loss, [logit]);
          expectClose([loss(logit).gradient], numeric, { absolute: 1e-8 });
        }
      },
    ),
  );
});

test('finite and right for logits of ten thousand', () => {
  for (const loss of [bce, (x: number, y: number) => varifocal(x, y, { alpha: 1 })]) {
    expect(loss(1e4, 0)).toEqual({ loss: 1e4, gradient: 1 });
    expect(loss(-1e4, 0)).toEqual({ loss: 0, gradient: 0 });
    expect(loss(-1e4, 1)).toEqual({ loss: 1e4, gradient: -1 });
    expect(loss(1e4, 1)).toEqual({ loss: 0, gradient: 0 });
  }
});
