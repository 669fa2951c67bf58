import { expect } from 'vitest';

/** Every |actual - expected| <= absolute + relative * |expected|; the message names the worst element. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative = 0, absolute = 0 }: { relative?: number; absolute?: number },
  name = 'values',
): void {
  expect(actual.length, `length of ${name}`).toBe(expected.length);
  let worst = -1;
  let excess = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) - absolute - relative * Math.abs(expected[i]);
    if (!(error <= excess)) {
      worst = i;
      excess = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    }
  }
  expect(worst, `${name}[${worst}] is ${actual[worst]}, expected ${expected[worst]}`).toBe(-1);
}
