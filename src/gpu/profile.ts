/** Time that a kernel took on the GPU. */
export interface KernelTime {
  /** Its name. */
  kernel: string;
  /** How often it ran. */
  dispatches: number;
  /** Of all its dispatches together. */
  milliseconds: number;
}

/** Dispatches that one profile can time; WebGPU's limit of a query set is 4096 queries, two a dispatch. */
const CAPACITY = 2048;
const QUERY_RESOLVE = 0x200;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const MAP_READ = 0x01;

/** Timestamps around single dispatches. Each dispatch becomes a pass of its own, which costs a little by itself. */
export class Profile {
  readonly #gpu: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #kernels: string[] = [];

  /** The device needs the feature `timestamp-query`. */
  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    this.#queries = gpu.createQuerySet({ label: 'profile', type: 'timestamp', count: 2 * CAPACITY });
  }

  /** The timestamps of the next dispatch; undefined when the profile is full. */
  next(kernel: string): GPUComputePassTimestampWrites | undefined {
    if (this.#kernels.length === CAPACITY) return undefined;
    const index = 2 * this.#kernels.length;
    this.#kernels.push(kernel);
    return { querySet: this.#queries, beginningOfPassWriteIndex: index, endOfPassWriteIndex: index + 1 };
  }

  /** Reads the times and frees the profile; what was recorded must have been submitted. The longest kernel comes first. */
  async finish(): Promise<KernelTime[]> {
    const size = Math.max(8, 16 * this.#kernels.length);
    const resolved = this.#gpu.createBuffer({ label: 'profile', size, usage: QUERY_RESOLVE | COPY_SRC });
    const staging = this.#gpu.createBuffer({ label: 'profile', size, usage: MAP_READ | COPY_DST });
    const encoder = this.#gpu.createCommandEncoder({ label: 'profile' });
    encoder.resolveQuerySet(this.#queries, 0, 2 * this.#kernels.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    this.#gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const nanoseconds = new BigUint64Array(staging.getMappedRange().slice(0));
    const totals = new Map<string, KernelTime>();
    this.#kernels.forEach((kernel, i) => {
      const total = totals.get(kernel) ?? { kernel, dispatches: 0, milliseconds: 0 };
      total.dispatches++;
      total.milliseconds += Number(nanoseconds[2 * i + 1] - nanoseconds[2 * i]) / 1e6;
      totals.set(kernel, total);
    });
    for (const buffer of [resolved, staging]) buffer.destroy();
    this.#queries.destroy();
    return [...totals.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}

/** Two timestamps around whatever is recorded between them; the passes in between stay as they are. */
export class Stopwatch {
  readonly #queries: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  /** The device needs the feature `timestamp-query`. */
  constructor(gpu: GPUDevice) {
    this.#queries = gpu.createQuerySet({ label: 'stopwatch', type: 'timestamp', count: 2 });
    this.#resolved = gpu.createBuffer({ label: 'stopwatch', size: 16, usage: QUERY_RESOLVE | COPY_SRC });
    this.#staging = gpu.createBuffer({ label: 'stopwatch', size: 16, usage: MAP_READ | COPY_DST });
  }

  /** Records the first timestamp; an empty pass carries it. */
  start(encoder: GPUCommandEncoder): void {
    const timestampWrites = { querySet: this.#queries, beginningOfPassWriteIndex: 0 };
    encoder.beginComputePass({ label: 'stopwatch', timestampWrites }).end();
  }

  /** Records the second timestamp. */
  stop(encoder: GPUCommandEncoder): void {
    const timestampWrites = { querySet: this.#queries, endOfPassWriteIndex: 1 };
    encoder.beginComputePass({ label: 'stopwatch', timestampWrites }).end();
    encoder.resolveQuerySet(this.#queries, 0, 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, 16);
  }

  /** The milliseconds between the two; what was recorded must have been submitted. Frees the stopwatch. */
  async finish(): Promise<number> {
    await this.#staging.mapAsync(MAP_READ);
    const [start, stop] = new BigUint64Array(this.#staging.getMappedRange().slice(0));
    for (const buffer of [this.#resolved, this.#staging]) buffer.destroy();
    this.#queries.destroy();
    return Number(stop - start) / 1e6;
  }
}
