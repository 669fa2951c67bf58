import fc from 'fast-check';
import { expect, test } from 'vitest';
import { integral, integralGradient, logSoftmax, softmax, softplus } from './bins.js';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';

const logits = fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 2, maxLength: 33 });

test('the integral of the specification’s vector', () => {
  const z = Array.from({ length: 17 }, (_, k) => Math.sin(0.7 * k));
  expect(integral(z)).toBeCloseTo(7.149936925, 9);
  expect(integral(new Array(17).fill(3))).toBeCloseTo(8, 12);
});

test('softmax sums to one, is shift invariant, and its logarithm is logSoftmax', () => {
  fc.assert(
    fc.property(logits, fc.double({ min: 0.5, max: 20, noNaN: true }), (z, temperature) => {
      const p = softmax(z, temperature);
      expect(p.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      expectClose(
        softmax(
          z.map((x) => x + 5),
          temperature,
        ),
        p,
        { absolute: 1e-12 },
      );
      expectClose(logSoftmax(z, temperature), p.map(Math.log), { absolute: 1e-9 });
    }),
  );
});

test('the gradient of the integral is its central difference', () => {
  fc.assert(
    fc.property(logits, (z) => {
      expectClose(integralGradient(z), centralDifferences(integral, z), { absolute: 1e-7 });
    }),
  );
});

test('logits of ten thousand stay finite', () => {
  expectClose(softmax([1e4, -1e4, 1e4]), [0.5, 0, 0.5], { absolute: 1e-15 });
  expect(logSoftmax([1e4, -1e4])[1]).toBe(-2e4);
  expect(softplus(1e4)).toBe(1e4);
  expect(softplus(-1e4)).toBe(0);
});
