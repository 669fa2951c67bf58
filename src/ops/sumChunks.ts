import sumChunksSource from '../../shaders/ops/sum_chunks.wgsl';
import type { Tensor } from '../tensor/tensor.js';

const SUM_CHUNKS = { name: 'sum_chunks', source: sumChunksSource };

/** Adds partial sums in the order of their chunks: `partial` [chunks, …shape] → a new tensor of `shape`. */
export function sumChunks(partial: Tensor, chunks: number, shape: readonly number[]): Tensor {
  const total = partial.device.empty(shape);
  partial.device.run({
    kernel: SUM_CHUNKS,
    bindings: { partial: partial.range, total: total.range },
    params: { count: total.size, chunks },
    invocations: total.size,
  });
  return total;
}
