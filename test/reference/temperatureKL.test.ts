import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectClose } from './closeTo.js';
import { centralDifferences } from './differences.js';
import { binaryTemperatureKL, temperatureKL } from './temperatureKL.js';

const student = Array.from({ length: 17 }, (_, k) => Math.sin(0.7 * k));
const teacher = Array.from({ length: 17 }, (_, k) => 2 * Math.cos(0.5 * k + 0.3));

test('the specification’s vectors over bins', () => {
  const cool = temperatureKL(student, teacher, 1);
  expect(cool.loss).toBeCloseTo(0.020510742, 8);
  expectClose(cool.gradient.slice(0, 3), [-0.0068371, -0.0006129, 0.0046949], { absolute: 5e-8 });
  const warm = temperatureKL(student, teacher, 10);
  expect(warm.loss).toBeCloseTo(0.033588678, 8);
  expectClose(warm.gradient.slice(0, 3), [-0.0064125, -0.0020668, 0.0023939], { absolute: 5e-8 });
  const scale = (0.25 * 0.37) / 4;
  expect(scale * warm.loss).toBeCloseTo(0.0007767382, 9);
  const scaled = warm.gradient.slice(0, 3).map((g) => scale * g);
  expectClose(scaled, [-1.48289e-4, -4.7795e-5, 5.536e-5], { absolute: 1e-9 });
});

test('the specification’s vector over classes', () => {
  const { loss, gradient } = temperatureKL([1, -2, 0.5, 0], [2, -1, 0, 1], 2);
  expect(10 * loss).toBeCloseTo(0.45868129, 8);
  expectClose(
    gradient.map((g) => 10 * g),
    [-0.3584325, -0.0799771, 0.65581, -0.2174003],
    { absolute: 5e-8 },
  );
});

test('at high temperature it is half the variance of the logit difference over K', () => {
  const difference = student.map((z, k) => z - teacher[k]);
  const mean = difference.reduce((a, b) => a + b) / 17;
  const limit = difference.reduce((sum, d) => sum + (d - mean) ** 2, 0) / (2 * 17 ** 2);
  expect(limit).toBeCloseTo(0.03416844, 8);
  expect(temperatureKL(student, teacher, 1000).loss).toBeCloseTo(0.03416461, 8);
});

const pair = fc
  .integer({ min: 1, max: 33 })
  .chain((size) =>
    fc.tuple(
      fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: size, maxLength: size }),
      fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: size, maxLength: size }),
      fc.double({ min: 1, max: 20, noNaN: true }),
    ),
  );

for (const [name, divergence] of Object.entries({ temperatureKL, binaryTemperatureKL })) {
  test(`${name}: nothing between equals, never negative, gradient = central difference`, () => {
    fc.assert(
      fc.property(pair, ([z, t, temperature]) => {
        expect(divergence(t, t, temperature).loss).toBe(0);
        const { loss, gradient } = divergence(z, t, temperature);
        expect(loss).toBeGreaterThanOrEqual(-1e-12);
        expectClose(
          gradient,
          centralDifferences((x) => divergence(x, t, temperature).loss, z),
          { absolute: 1e-6 },
        );
      }),
    );
  });

  test(`${name}: finite at logits of ten thousand`, () => {
    const { loss, gradient } = divergence([1e4, -1e4], [-1e4, 1e4], 1);
    expect(loss).toBe(1e4);
    expect(Array.from(gradient).every(Number.isFinite)).toBe(true);
  });
}

test('the softmax form has no gradient along the all-ones direction; one class has none at all', () => {
  fc.assert(
    fc.property(pair, ([z, t, temperature]) => {
      const sum = temperatureKL(z, t, temperature).gradient.reduce((a, b) => a + b);
      expect(Math.abs(sum)).toBeLessThan(1e-12);
    }),
  );
  expect(temperatureKL([3], [-2], 2)).toEqual({ loss: 0, gradient: Float64Array.of(0) });
});

test('the binary form of one class is T^2 times the KL of two Bernoulli variables', () => {
  const [p, q] = [0.3, 0.8];
  const logit = (x: number) => Math.log(x / (1 - x));
  const expected = 4 * (p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q)));
  expect(binaryTemperatureKL([2 * logit(q)], [2 * logit(p)], 2).loss).toBeCloseTo(expected, 12);
});
