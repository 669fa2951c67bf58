import { InputError } from '../util/error.js';
import type { Tensor } from './tensor.js';

/** What processes that share a step's images put together in the middle of it. */
export interface Exchange {
  /** This process's share, f32, of the same size in all. */
  own: Tensor;
  /** `sum`: Σ over all processes; `gather`: each one's. */
  how: 'sum' | 'gather';
  /** What follows does not need it before the next exchange that is not `later`. */
  later?: true;
  /** Takes the sum alone, or each process's share by rank. @param rank of this process */
  take(values: readonly Float32Array[], rank: number): void;
}

/** Work that is recorded in parts, between which processes exchange; without an exchange for one process. */
export type Parts<T> = Generator<Exchange, T, undefined>;

/** Σ over all processes in place of an own tensor's values. */
export function summed(own: Tensor): Exchange {
  return { own, how: 'sum', take: ([sum]) => own.write(sum) };
}

/** Runs work in which nothing is exchanged: that of one process. @throws InputError where something is */
export function alone<T>(parts: Parts<T>): T {
  const { done, value } = parts.next();
  if (done) return value;
  parts.return(undefined as T);
  throw new InputError('shares: several processes share this work; run its parts, with an exchange where it stops.');
}

/** Runs the work of one of several processes as if the others had nothing but zeros: for sizes and kernels. */
export function withSilence<T>(parts: Parts<T>, processes: number): T {
  let step = parts.next();
  while (!step.done) {
    const { own, how, take } = step.value;
    take(
      Array.from({ length: how === 'sum' ? 1 : processes }, () => new Float32Array(own.size)),
      0,
    );
    step = parts.next();
  }
  return step.value;
}
