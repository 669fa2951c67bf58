import { describe, expect, test } from 'vitest';
import { Random } from '../../src/tensor/random.js';

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.next());

describe('Random', () => {
  test('the same keys give the same numbers, other keys others', () => {
    expect(draw(Random.of(1, 2, 3), 5)).toEqual(draw(Random.of(1, 2, 3), 5));
    const streams = [[1], [2], [1, 0], [0, 1], [1, 2, 3], [3, 2, 1], [2 ** 40 + 1]].map((keys) =>
      draw(Random.of(...keys), 3).join(),
    );
    expect(new Set(streams).size).toBe(streams.length);
  });

  test('uniform and normal have their moments', () => {
    const random = Random.of(7);
    const uniform = draw(random, 20_000);
    const normal = Array.from({ length: 20_000 }, () => random.normal());
    const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
    // four standard errors: 4 · √(1/12 / 20000) and 4 / √20000
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.0082);
    expect(Math.abs(mean(normal))).toBeLessThan(0.0283);
    expect(Math.abs(mean(normal.map((x) => x * x)) - 1)).toBeLessThan(0.04);
  });

  test('neighbouring keys are not correlated', () => {
    const pairs = Array.from({ length: 5000 }, (_, key) => [
      Random.of(key).next() - 0.5,
      Random.of(key + 1).next() - 0.5,
    ]);
    const covariance = pairs.reduce((sum, [a, b]) => sum + a * b, 0) / pairs.length;
    expect(Math.abs(covariance)).toBeLessThan(4 * (1 / 12 / Math.sqrt(5000)));
  });

  test('shuffle keeps the items', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = Random.of(3).shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.sort((a, b) => a - b)).toEqual(items);
  });

  test('integers cover their range', () => {
    const random = Random.of(5);
    const seen = new Set(Array.from({ length: 500 }, () => random.integer(6)));
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });
});
