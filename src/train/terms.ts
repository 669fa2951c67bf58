import { DeviceError } from '../gpu/error.js';
import { TERM_NAMES, type TermName } from '../losses/headLoss.js';
import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';

/** The loss terms of the last steps, kept on the GPU until they are read: reading waits, and a step must not. */
export class TermHistory {
  readonly #steps: Tensor;
  readonly #size: number;
  #pending = 0;

  /** @param capacity steps between two readings */
  constructor(
    readonly device: Device,
    readonly levels: number,
    readonly capacity: number,
  ) {
    this.#size = TERM_NAMES.length * levels;
    this.#steps = device.keep(device.zeros([capacity, this.#size]));
  }

  /** Steps not read yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Records the copy of a step's terms, [8, levels]; at most `capacity` of them before they are read. */
  push(terms: Tensor): void {
    const at = this.#steps.offset + 4 * this.#size * this.#pending++;
    this.device.copy(terms.range.buffer, terms.offset, this.#steps.buffer, at, 4 * this.#size);
  }

  /**
   * Reads what was pushed since the last reading, in order; waits for the GPU.
   * @param last number of the step pushed last
   * @throws DeviceError that names term, level and step of the first value that is not finite
   */
  async take(last: number): Promise<Float32Array[]> {
    const values = (await this.#steps.read()) as Float32Array<ArrayBuffer>;
    const count = this.#pending;
    this.#pending = 0;
    return Array.from({ length: count }, (_, i) => {
      const terms = values.subarray(i * this.#size, (i + 1) * this.#size);
      const bad = terms.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const name = TERM_NAMES[Math.floor(bad / this.levels)];
        throw new DeviceError(
          `${name} is ${terms[bad]} at level ${bad % this.levels} in step ${last - count + 1 + i}. ` +
            'A lower learning rate, more warm-up steps or a smaller clip keep a training finite; the last checkpoint is whole.',
        );
      }
      return terms;
    });
  }

  dispose(): void {
    this.#steps.dispose();
  }
}

/** Each term summed over the levels, and divided by the steps it is the sum of. */
export function meanTerms(sums: ArrayLike<number>, steps: number): Record<TermName, number> {
  const levels = sums.length / TERM_NAMES.length;
  const entries = TERM_NAMES.map((name, term) => {
    let total = 0;
    for (let level = 0; level < levels; level++) total += sums[term * levels + level];
    return [name, total / steps];
  });
  return Object.fromEntries(entries) as Record<TermName, number>;
}
