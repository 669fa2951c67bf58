/** How far a quantity may be off: it passes where either holds, element by element. f32 sums differ by their order. */
const ABSOLUTE = 2e-5;
const RELATIVE = 1e-4;

/** How a computed quantity deviates from the expected one. */
export interface Deviation {
  /** Of the quantity. */
  name: string;
  /** Largest |computed − expected|. */
  absolute: number;
  /** `absolute` divided by the largest |expected|; where that is 0, 0 or 1. */
  relative: number;
  /** Whether it is near enough. */
  passed: boolean;
}

/**
 * - `close`: each element is within 2e-5, or within 1e-4 of itself
 * - `exact`: each element is the same number
 * - `region`: `close`, and each element is positive where the expected one is, and only there
 */
export type Demand = 'close' | 'exact' | 'region';

/** Compares element by element; a NaN that is computed deviates by the largest number there is. */
export function deviation(
  name: string,
  computed: ArrayLike<number>,
  expected: ArrayLike<number>,
  demand: Demand,
): Deviation {
  let absolute = 0;
  let largest = 0;
  let passed = computed.length === expected.length;
  for (let i = 0; i < expected.length; i++) {
    const size = Math.abs(expected[i]);
    const distance = Math.abs(computed[i] - expected[i]);
    const error = Number.isFinite(distance) ? distance : Number.MAX_VALUE;
    if (demand === 'exact' && error > 0) passed = false;
    if (error > ABSOLUTE && error > RELATIVE * size) passed = false;
    if (demand === 'region' && computed[i] > 0 !== expected[i] > 0) passed = false;
    absolute = Math.max(absolute, error);
    largest = Math.max(largest, size);
  }
  const relative = largest > 0 ? Math.min(absolute / largest, Number.MAX_VALUE) : Math.min(absolute, 1) && 1;
  return { name, absolute, relative, passed };
}
