/** Numbers that processes exchange. */
export type Numbers = Float32Array | Float64Array;

/**
 * Processes that work together, each with its rank. All of them make the same calls in the same order. Sums are in the order of the
 * ranks, so the same inputs give the same bits on every run, and on every rank.
 */
export interface Communicator {
  /** Of this process, from 0. */
  readonly rank: number;
  /** Processes. */
  readonly size: number;
  /** Among the processes of this machine, from 0. */
  readonly localRank: number;
  /** Processes of this machine. */
  readonly localSize: number;
  /** Everybody's values, by rank. @param values as many on each rank */
  gather<T extends Numbers>(values: T): Promise<T[]>;
  /** Σ over the ranks, element by element, added in 64 bits and rounded once. @param values as many on each rank */
  sum<T extends Numbers>(values: T): Promise<T>;
  /** Rank 0's values, in place of the own ones. @param values as many on each rank */
  broadcast(values: Numbers): Promise<void>;
  /** Waits for all others, without work for the processor. */
  barrier(): Promise<void>;
  /** Ends all processes at once, with exit code 1. */
  abort(): void;
  /** The last call of each rank; waits for all others. */
  close(): Promise<void>;
}

/** Σ of arrays in their order, each element added in 64 bits and rounded once. */
export function sumInOrder<T extends Numbers>(parts: readonly T[]): T {
  const sum = parts[0].slice() as T;
  for (let i = 0; i < sum.length; i++) {
    let own = 0;
    for (const part of parts) own += part[i];
    sum[i] = own;
  }
  return sum;
}
