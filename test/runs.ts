/** Multiplies the number of random inputs of every property that runs on an adapter: `EDGEWISE_TEST_RUNS=10 npm test` draws ten times as many. */
const FACTOR = Number(globalThis.process?.env.EDGEWISE_TEST_RUNS ?? 1); // no process in a browser

/**
 * How many random inputs a property draws. Each run of the tests draws others, so few are enough in one run.
 * @param count unless EDGEWISE_TEST_RUNS says otherwise
 */
export function runs(count: number): { numRuns: number } {
  return { numRuns: Math.ceil(count * FACTOR) };
}
