import { Random } from '../tensor/random.js';
import { InputError } from '../util/error.js';

const RESAMPLES = 10_000;
/** Keeps the draws apart from those of whoever else uses a generator. */
const STREAM = 0x57d1e5;

/** The mean. @throws InputError without values */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new InputError('values: there are none; a mean needs one at least.');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation, √(Σ (x − mean)² ⁄ (n − 1)); null with fewer than two values. */
export function standardDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** How two methods differ over the same seeds. */
export interface PairedDifference {
  /** Pairs. */
  n: number;
  /** Of the differences. */
  mean: number;
  /** The 95 % interval; null with fewer than two pairs. */
  interval: [number, number] | null;
}

/**
 * Mean difference of pairs with its 95 % percentile bootstrap interval (Efron, 1979): the 2.5th and 97.5th percentile of the
 * means of 10,000 resamples of the pairs, drawn by a seeded generator, so that the same pairs give the same interval.
 *
 * With three pairs each extreme is the mean of one resample in 27 (3.7 %), so the interval is simply the range of the
 * three differences, and it misses the true difference far more often than one time in twenty.
 * @param pairs [value, baseline] of each seed
 * @throws InputError without pairs
 */
export function pairedDifference(pairs: readonly (readonly [number, number])[]): PairedDifference {
  const differences = pairs.map(([value, baseline]) => value - baseline);
  const n = differences.length;
  const centre = mean(differences);
  if (n < 2) return { n, mean: centre, interval: null };
  const random = Random.of(STREAM, n);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += differences[random.integer(n)];
    return sum / n;
  }).sort();
  return { n, mean: centre, interval: [percentile(means, 0.025), percentile(means, 0.975)] };
}

/** Interpolates linearly between the two nearest of the sorted values. */
function percentile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
