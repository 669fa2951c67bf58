import type { HeadLoss } from '../losses/headLoss.js';
import type { HeadLossResult } from '../losses/headResult.js';
import { TERM_NAMES, type TermName } from '../losses/headTerms.js';
import type { Tensor } from '../tensor/tensor.js';
import { DeviceError } from '../util/error.js';

/** The loss terms of the last steps, kept on the GPU until they are read: reading waits, and a step must not. */
export class TermHistory {
  readonly #headLoss: HeadLoss;
  readonly #terms: Tensor;
  readonly #faults: Tensor;
  readonly #size: number;
  readonly #accumulate: number;
  #batches = 0;

  /** @param capacity steps between two readings @param accumulate batches a step */
  constructor(headLoss: HeadLoss, capacity: number, accumulate = 1) {
    const { device, grid } = headLoss;
    this.#headLoss = headLoss;
    this.#size = TERM_NAMES.length * grid.levels.length;
    this.#accumulate = accumulate;
    this.#terms = device.keep(device.zeros([capacity * accumulate, this.#size]));
    this.#faults = device.keep(device.zeros([capacity * accumulate, this.#size], 'u32'));
  }

  /** Steps not read yet. */
  get pending(): number {
    return this.#batches / this.#accumulate;
  }

  /** Batches not read yet. */
  get batches(): number {
    return this.#batches;
  }

  /** Records the copy of a batch's terms, of at most `capacity` steps before they are read. */
  push({ terms, faults }: Pick<HeadLossResult, 'terms' | 'faults'>): void {
    const bytes = 4 * this.#size;
    const at = bytes * this.#batches++;
    for (const [from, to] of [
      [terms, this.#terms],
      [faults, this.#faults],
    ]) {
      from.device.copy(from.range.buffer, from.offset, to.buffer, to.offset + at, bytes);
    }
  }

  /**
   * Reads what was pushed since the last reading, in order: means over a step's batches; waits for the GPU.
   * @param last number of the last whole step
   * @throws DeviceError that names step, term, level and image of the first value that is not finite
   */
  async take(last: number): Promise<Float32Array[]> {
    const [terms, faults] = await Promise.all([this.#terms.read(), this.#faults.read()]);
    const steps = this.pending;
    this.#batches = 0;
    return Array.from({ length: steps }, (_, step) => {
      const sums = new Float64Array(this.#size);
      for (let batch = step * this.#accumulate; batch < (step + 1) * this.#accumulate; batch++) {
        const [from, to] = [batch * this.#size, (batch + 1) * this.#size];
        const own = terms.subarray(from, to);
        const fault = this.#headLoss.faultOf(own, faults.subarray(from, to));
        if (fault) throw new DeviceError(`step ${last - steps + 1 + step}: ${fault} The last checkpoint is whole.`);
        for (const [i, value] of own.entries()) sums[i] += value;
      }
      return Float32Array.from(sums, (sum) => sum / this.#accumulate);
    });
  }

  /** Frees its memory. */
  dispose(): void {
    this.#terms.dispose();
    this.#faults.dispose();
  }
}

/** Each term summed over the levels, per step. */
export function meanTerms(sums: ArrayLike<number>, steps: number): Record<TermName, number> {
  const levels = sums.length / TERM_NAMES.length;
  const entries = TERM_NAMES.map((name, term) => {
    let total = 0;
    for (let level = 0; level < levels; level++) total += sums[term * levels + level];
    return [name, total / steps];
  });
  return Object.fromEntries(entries) as Record<TermName, number>;
}
