/** Every pooled buffer can be bound, copied and cleared. */
const USAGE = 0x80 /* STORAGE */ | 0x04 /* COPY_SRC */ | 0x08; /* COPY_DST */

/**
 * Rounds up to four sizes an octave, so that a buffer serves neighbouring requests and wastes at most a fifth; not beyond
 * what the device can make, where that is enough.
 */
function sizeClass(bytes: number, largest: number): number {
  const step = 2 ** Math.max(8, Math.floor(Math.log2(Math.max(bytes, 1))) - 2);
  const size = Math.max(256, Math.ceil(bytes / step) * step);
  return size > largest ? 16 * Math.ceil(bytes / 16) : size;
}

/**
 * Keeps freed buffers for the next request of their size.
 * Reuse inside one command buffer is safe: commands run in the order in which they were recorded. An encoder of the caller's is
 * submitted at a time that we do not know, so its buffers are kept apart from the others.
 */
export class BufferPool {
  readonly #make: (description: GPUBufferDescriptor) => GPUBuffer;
  readonly #largest: number;
  /** Whether buffers are taken for an encoder of the caller's. */
  apart = false;
  readonly #free = new Map<number, GPUBuffer[]>();
  readonly #freeApart = new Map<number, GPUBuffer[]>();
  readonly #apart = new WeakSet<GPUBuffer>();
  readonly #live = new Set<GPUBuffer>();
  #heldBytes = 0;
  #freeBytes = 0;

  /** @param largest the device's `maxBufferSize` */
  constructor(make: (description: GPUBufferDescriptor) => GPUBuffer, largest = Number.POSITIVE_INFINITY) {
    this.#make = make;
    this.#largest = largest;
  }

  /** Bytes of all buffers the pool has made, in use or free. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Bytes of the buffers in use. */
  get usedBytes(): number {
    return this.#heldBytes - this.#freeBytes;
  }

  /** A buffer of at least `bytes`; its content is undefined. */
  take(bytes: number): GPUBuffer {
    const size = sizeClass(bytes, this.#largest);
    const reused = (this.apart ? this.#freeApart : this.#free).get(size)?.pop();
    if (reused) {
      this.#freeBytes -= size;
      return reused;
    }
    const buffer = this.#make({ label: `pool ${size}`, size, usage: USAGE });
    this.#live.add(buffer);
    if (this.apart) this.#apart.add(buffer);
    this.#heldBytes += size;
    return buffer;
  }

  give(buffer: GPUBuffer): void {
    const free = this.#apart.has(buffer) ? this.#freeApart : this.#free;
    const list = free.get(buffer.size);
    if (list) list.push(buffer);
    else free.set(buffer.size, [buffer]);
    this.#freeBytes += buffer.size;
  }

  /** Destroys every buffer, those in use too. */
  destroy(): void {
    for (const buffer of this.#live) buffer.destroy();
    this.#live.clear();
    this.#free.clear();
    this.#freeApart.clear();
    this.#heldBytes = 0;
    this.#freeBytes = 0;
  }
}
