import fc from 'fast-check';
import { expect, test } from 'vitest';
import { summarize } from '../../bench/statistics.js';

test('median and half the interquartile range', () => {
  expect(summarize([7])).toEqual({ median: 7, spread: 0 });
  expect(summarize([4, 1])).toEqual({ median: 2.5, spread: 0.75 });
  // Quartiles of 1 … 5 are 2 and 4; one that is far off changes neither.
  expect(summarize([5, 3, 1, 4, 2])).toEqual({ median: 3, spread: 1 });
  expect(summarize([500, 3, 1, 4, 2])).toEqual({ median: 3, spread: 1 });
  expect(() => summarize([])).toThrow(RangeError);
});

test('the median is within the values, the spread within half their range, whatever their order', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
      const before = [...values];
      const { median, spread } = summarize(values);
      expect(values).toEqual(before);
      expect(summarize([...values].reverse())).toEqual({ median, spread });
      expect(median).toBeGreaterThanOrEqual(Math.min(...values));
      expect(median).toBeLessThanOrEqual(Math.max(...values));
      expect(2 * spread).toBeLessThanOrEqual(Math.max(...values) - Math.min(...values));
    }),
  );
});
