/** Properties of the reference's re-binning, for any bins and positions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { softmax } from './bins.js';
import { expectClose } from './closeTo.js';
import { rebin, teacherViews } from './rebin.js';
import type { HeadSizes } from './types.js';

const distributions = fc
  .constantFrom(2, 8, 11, 16, 17, 33)
  .chain((bins) => fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: bins, maxLength: bins }))
  .map((logits) => softmax(logits));
const bins = fc.constantFrom(2, 8, 11, 16, 17, 33);
const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);
const mean = (p: ArrayLike<number>, at: ArrayLike<number>) => sum(Array.from(p, (share, k) => share * at[k]));
const count = (n: number) => Array.from({ length: n }, (_, k) => k);

test('all shares add up to 1, and none is negative', () => {
  fc.assert(
    fc.property(distributions, bins, fc.double({ min: 0.2, max: 4, noNaN: true }), (p, n, slope) => {
      const shares = rebin(
        p,
        count(p.length).map((k) => slope * k - 1),
        n,
      );
      expectClose([sum(shares)], [1], { absolute: 1e-12 });
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('the mean is kept where nothing lies beyond the ends, and at most a quarter is added to the variance', () => {
  fc.assert(
    fc.property(distributions, bins, (p, n) => {
      const positions = count(p.length).map((k) => (k * (n - 1)) / (p.length - 1));
      const shares = rebin(p, positions, n);
      const expected = mean(p, positions);
      expectClose([mean(shares, count(n))], [expected], { absolute: 1e-9 });
      const spread = (q: ArrayLike<number>, at: number[]) =>
        mean(
          q,
          at.map((place) => (place - expected) ** 2),
        );
      const added = spread(shares, count(n)) - spread(p, positions);
      expect(added).toBeGreaterThan(-1e-9);
      expect(added).toBeLessThan(0.25 + 1e-9);
    }),
  );
});

test('the same bins are left as they are, and 17 → 16 moves the last one only', () => {
  fc.assert(
    fc.property(distributions, (p) => {
      expect(rebin(p, count(p.length), p.length)).toEqual(p);
      const fewer = rebin(p, count(p.length), p.length - 1);
      const last = p.length - 2;
      expect(fewer.slice(0, last)).toEqual(p.slice(0, last));
      expectClose([fewer[last]], [p[last] + p[last + 1]], { absolute: 1e-15 });
    }),
  );
});

test('what lies farther stays farther: the shares beyond any bin do not fall', () => {
  fc.assert(
    fc.property(distributions, bins, fc.double({ min: 0, max: 5, noNaN: true }), (p, n, further) => {
      const beyond = (shift: number) => {
        const shares = rebin(
          p,
          count(p.length).map((k) => k + shift),
          n,
        );
        return count(n).map((k) => sum(shares.slice(k)));
      };
      const [near, far] = [beyond(0), beyond(further)];
      for (const k of count(n)) expect(far[k]).toBeGreaterThanOrEqual(near[k] - 1e-12);
    }),
  );
});

test('an edge of the teacher stays where it is on the image', () => {
  const sizes: HeadSizes = { width: 64, height: 64, strides: [8, 16], batch: 1, classes: 1, bins: 9 };
  const teacher = { centreOffset: 0.5, strides: [8, 32], imageSize: { width: 128, height: 128 } };
  const [fine, coarse] = teacherViews(sizes, 0, teacher);
  // On the student's image the teacher's strides are 4 and 16: twice as fine as 8, and twice as coarse.
  expect(fine).toBeNull();
  expect(coarse?.level).toBe(1);
  expect(coarse?.place(0, 1, 0, 1, 1).cell).toBe(1);
  // Student (16, 0); teacher (48, 16) of its pixels, (24, 8) here. Left edge at 24 − 16 · 2 = −8: 24 pixels, 1.5 strides.
  expect(coarse?.position(1, 0, 2)).toBe(1.5);
  expect(coarse?.position(1, 2, 2)).toBe(2.5);
  expect(coarse?.position(1, 1, 2)).toBe(1.5);
});
