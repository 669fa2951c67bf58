import { type BufferPlan, PLANNED } from './bufferPlan.js';

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
  #plan: BufferPlan | null = null;
  /** Position of the next request in the plan; null where none is followed. */
  #next: number | null = null;
  /** The plan's buffers that have been needed. */
  #planned: (GPUBuffer | null)[] = [];
  /** Those in use. */
  readonly #busy = new Set<GPUBuffer>();
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

  /**
   * The next requests are those of a plan, in its order. One that is not gets a buffer as without a plan, so that a plan decides only how much
   * memory is held.
   * @param plan null: the next are of no plan, but may have what the last one left free. Another plan than the last: that one's free buffers
   * are destroyed, so nothing that uses them may wait to be submitted.
   */
  follow(plan: BufferPlan | null): void {
    if (plan && plan !== this.#plan) {
      this.forget();
      this.#plan = plan;
      this.#planned = plan.sizes.map(() => null);
    }
    this.#next = plan ? 0 : null;
  }

  /** No plan is followed any more: the last one's free buffers are destroyed, so nothing that uses them may wait to be submitted. */
  forget(): void {
    for (const buffer of this.#planned) {
      if (!buffer || this.#busy.has(buffer)) continue;
      buffer.destroy();
      this.#live.delete(buffer);
      this.#heldBytes -= buffer.size;
      this.#freeBytes -= buffer.size;
    }
    this.#plan = null;
    this.#planned = [];
    this.#next = null;
    this.#busy.clear();
  }

  /** The last plan that was followed. */
  get plan(): BufferPlan | null {
    return this.#plan;
  }

  /** A buffer of at least `bytes`; its content is undefined. */
  take(bytes: number): GPUBuffer {
    const planned = this.#plan && !this.apart && bytes >= PLANNED ? this.#takePlanned(this.#plan, bytes) : null;
    if (planned) return planned;
    const size = sizeClass(bytes, this.#largest);
    const reused = (this.apart ? this.#freeApart : this.#free).get(size)?.pop();
    if (reused) {
      this.#freeBytes -= size;
      return reused;
    }
    const buffer = this.#new(size);
    if (this.apart) this.#apart.add(buffer);
    return buffer;
  }

  /** Takes a buffer back. */
  give(buffer: GPUBuffer): void {
    if (this.#busy.delete(buffer)) {
      this.#freeBytes += buffer.size;
      return;
    }
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
    this.#plan = null;
    this.#planned = [];
    this.#next = null;
    this.#busy.clear();
    this.#heldBytes = 0;
    this.#freeBytes = 0;
  }

  #new(size: number): GPUBuffer {
    const buffer = this.#make({ label: `pool ${size}`, size, usage: USAGE });
    this.#live.add(buffer);
    this.#heldBytes += size;
    return buffer;
  }

  /** Null where the plan has no such request, or another than it foresees has its buffer. */
  #takePlanned({ sizes, requests }: BufferPlan, bytes: number): GPUBuffer | null {
    let at: number;
    if (this.#next === null) {
      // The smallest; the plan's later buffers are smaller.
      const free = this.#planned.filter((buffer) => buffer && buffer.size >= bytes && !this.#busy.has(buffer));
      if (free.length === 0) return null;
      at = this.#planned.lastIndexOf(free[free.length - 1]);
    } else {
      const first = this.#next;
      // Some requests of the plan may not come: those of a first time only.
      const position = requests.findIndex((request, i) => i >= first && request.bytes === bytes);
      if (position < 0) return null;
      this.#next = position + 1;
      at = requests[position].buffer;
    }
    const present = this.#planned[at];
    if (present && this.#busy.has(present)) return null;
    if (present) this.#freeBytes -= present.size;
    const buffer = present ?? this.#new(sizes[at]);
    this.#planned[at] = buffer;
    this.#busy.add(buffer);
    return buffer;
  }
}
