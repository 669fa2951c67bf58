import { expect, test } from 'vitest';
import { mean, pairedDifference, standardDeviation } from '../../src/study/statistics.js';
import { InputError } from '../../src/util/error.js';

test('mean and sample standard deviation', () => {
  // Squares of the deviations −3, −1, 0, 4: 26; 26 / 3.
  expect(mean([2, 4, 5, 9])).toBe(5);
  expect(standardDeviation([2, 4, 5, 9])).toBeCloseTo(Math.sqrt(26 / 3), 12);
  expect(standardDeviation([7])).toBeNull();
  expect(() => mean([])).toThrow(InputError);
});

test('a paired difference takes what the pairs share out', () => {
  // Differences 1, 2, 3 though the values themselves differ by tens.
  const {
    n,
    mean: centre,
    interval,
  } = pairedDifference([
    [11, 10],
    [42, 40],
    [93, 90],
  ]);
  expect([n, centre]).toEqual([3, 2]);
  // Of 27 resamples one has the mean 1 and one 3 (3.7 % each, above 2.5 %): the interval is the range.
  expect(interval).toEqual([1, 3]);
});

test('the interval of many pairs is that of their mean', () => {
  // 50 differences of 0 and 50 of 1: the resampled mean is binomial(100, ½) / 100, with a deviation of 0.05.
  const pairs = Array.from({ length: 100 }, (_, i): [number, number] => [i % 2, 0]);
  const { mean: centre, interval } = pairedDifference(pairs);
  expect(centre).toBe(0.5);
  // Its percentiles: P(X ≤ 39) = 0.0176, P(X ≤ 40) = 0.0284; symmetric. 10,000 draws can move the bound by one hundredth.
  expect(interval?.[0]).toBeGreaterThanOrEqual(0.39);
  expect(interval?.[0]).toBeLessThanOrEqual(0.41);
  expect(interval?.[1]).toBeGreaterThanOrEqual(0.59);
  expect(interval?.[1]).toBeLessThanOrEqual(0.61);
  expect(pairedDifference(pairs)).toEqual(pairedDifference(pairs));
});

test('one pair has no interval, equal pairs one without width', () => {
  expect(pairedDifference([[3, 1]])).toEqual({ n: 1, mean: 2, interval: null });
  const same = pairedDifference([
    [3, 1],
    [5, 3],
  ]);
  expect(same).toEqual({ n: 2, mean: 2, interval: [2, 2] });
  expect(() => pairedDifference([])).toThrow(InputError);
});
