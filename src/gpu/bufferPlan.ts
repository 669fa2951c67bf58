/** A request to a pool, and how long it had its buffer. Times are counted in requests and returns. */
export interface BufferUse {
  /** As asked for. */
  bytes: number;
  /** When it was asked for. */
  from: number;
  /** When it was given back. Infinite where it was not given back. */
  to: number;
}

/** A request, and what it gets. */
export interface PlannedRequest {
  /** As asked for. */
  bytes: number;
  /** Position of the buffer in the plan's `sizes`. */
  buffer: number;
}

/** Which buffers serve the requests of work that is repeated. */
export interface BufferPlan {
  /** Bytes of each. */
  sizes: readonly number[];
  /** In the order of the work. */
  requests: readonly PlannedRequest[];
}

/** Bytes from which on requests are planned: the smaller ones come from the pool as without a plan, and depend on the data. */
export const PLANNED = 2 ** 16;

/**
 * Lets requests that do not overlap share buffers, whatever their sizes: a pool that knows only what it was asked for so far keeps buffers of each
 * size. The largest come first, each into the smallest buffer that is free for it (Pisarchyk and Lee, Efficient Memory Management for Deep
 * Neural Net Inference, 2020, section 5).
 */
export function planBuffers(uses: readonly BufferUse[]): BufferPlan {
  const planned = uses.filter(({ bytes }) => bytes >= PLANNED);
  const buffers: { size: number; uses: BufferUse[] }[] = [];
  const bufferOf = new Map<BufferUse, number>();
  for (const use of [...planned].sort((one, other) => other.bytes - one.bytes)) {
    const isFree = (buffer: (typeof buffers)[number]) =>
      buffer.uses.every((other) => other.to < use.from || use.to < other.from);
    // Later buffers are smaller.
    let at = buffers.length - 1;
    while (at >= 0 && !isFree(buffers[at])) at--;
    if (at < 0) at = buffers.push({ size: 256 * Math.ceil(use.bytes / 256), uses: [] }) - 1;
    buffers[at].uses.push(use);
    bufferOf.set(use, at);
  }
  const requests = planned.map((use) => ({ bytes: use.bytes, buffer: bufferOf.get(use) ?? 0 }));
  return { sizes: buffers.map(({ size }) => size), requests };
}
