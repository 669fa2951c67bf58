import sumChunkPairsSource from '../../shaders/ops/sum_chunk_pairs.wgsl';
import sumChunksSource from '../../shaders/ops/sum_chunks.wgsl';
import type { Tensor } from '../tensor/tensor.js';

const SUM_CHUNKS = { name: 'sum_chunks', source: sumChunksSource };
const SUM_CHUNK_PAIRS = { name: 'sum_chunk_pairs', source: sumChunkPairsSource };

/**
 * Adds partial sums in the order of their chunks: `partial` [chunks, …shape] → a new tensor of `shape`.
 * @param sink to which the sums are added in its place
 * @returns null with a sink
 */
export function sumChunks(
  partial: Tensor,
  chunks: number,
  shape: readonly number[],
  sink: Tensor | null = null,
): Tensor | null {
  const total = sink ?? partial.device.empty(shape);
  partial.device.run({
    kernel: SUM_CHUNKS,
    constants: { ADDS: sink ? 1 : 0 },
    bindings: { partial: partial.range, total: total.range },
    params: { count: total.size, chunks },
    invocations: total.size,
  });
  return sink ? null : total;
}

/** `sumChunks` of two, in one dispatch where both or none have a sink. */
export function sumChunkPairs(
  [first, second]: readonly [Tensor, Tensor],
  chunks: number,
  shape: readonly number[],
  [firstSink, secondSink]: readonly [Tensor | null, Tensor | null],
): (Tensor | null)[] {
  const adds = firstSink !== null;
  if (adds !== (secondSink !== null)) {
    return [sumChunks(first, chunks, shape, firstSink), sumChunks(second, chunks, shape, secondSink)];
  }
  const { device } = first;
  const totals = [firstSink ?? device.empty(shape), secondSink ?? device.empty(shape)];
  device.run({
    kernel: SUM_CHUNK_PAIRS,
    constants: { ADDS: adds ? 1 : 0 },
    bindings: {
      first_partial: first.range,
      second_partial: second.range,
      first_total: totals[0].range,
      second_total: totals[1].range,
    },
    params: { count: totals[0].size, chunks },
    invocations: totals[0].size,
  });
  return adds ? [null, null] : totals;
}
