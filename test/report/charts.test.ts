import fc from 'fast-check';
import { expect, test } from 'vitest';
import { niceRange } from '../../src/report/chart.js';
import { wrapped } from '../../src/report/figures/names.js';

test('an axis ends on its steps, holds its range and has few steps', () => {
  expect(niceRange(0, 1)).toEqual({ min: 0, max: 1, interval: 0.5 });
  expect(niceRange(0, 20)).toEqual({ min: 0, max: 20, interval: 5 });
  expect(niceRange(38.2, 45.1)).toEqual({ min: 38, max: 46, interval: 2 });
  expect(niceRange(0.17, 0.26)).toEqual({ min: 0.15, max: 0.3, interval: 0.05 });
  expect(niceRange(3, 3)).toEqual({ min: 3, max: 3, interval: 1 });
  const real = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(real, real, (low, width) => {
      const { min, max, interval } = niceRange(low, low + width);
      const slack = 1e-5 * (low + width);
      expect(min).toBeLessThanOrEqual(low + slack);
      expect(max).toBeGreaterThanOrEqual(low + width - slack);
      expect((max - min) / interval).toBeLessThan(6.01);
      expect(Math.abs((max - min) / interval - Math.round((max - min) / interval))).toBeLessThan(0.01);
    }),
  );
});

test('a long name takes two lines, broken at a blank; only what does not fit these is cut', () => {
  expect(wrapped('Main LD', 10)).toBe('Main LD');
  expect(wrapped('Main KD + Main LD', 10)).toBe('Main KD +\nMain LD');
  expect(wrapped('Main KD + Main LD + VLR LD', 10)).toBe('Main KD +\nMain LD +…');
  expect(wrapped('imitation-finegrained', 10)).toBe('imitation-\nfinegrain…');
});
