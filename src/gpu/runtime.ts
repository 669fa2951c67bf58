import { work as assertWork, isPlain, refuse, syncWork } from '../util/argument.js';
import { DeviceError, InputError } from '../util/error.js';
import { assertEncoder, assertLaunch, assertRange } from './argument.js';
import { type ChoiceName, type Choices, completeChoices } from './choices.js';
import { DeviceFaults } from './faults.js';
import { idleUntil } from './idle.js';
import { type KernelVariant, type Pipeline, Pipelines } from './pipelines.js';
import { BufferPool } from './pool.js';
import { type KernelTime, Profile, Stopwatch } from './profile.js';
import { Uniforms } from './uniforms.js';
import { type KernelInterface, packParameters, type WgslPart } from './wgsl.js';

/** A kernel: one WGSL module with the entry point `main`. */
export interface KernelDefinition {
  /** Names the kernel in errors, labels and timings. */
  name: string;
  /** The parts that its WGSL is put together from; between them they say what its bindings, params and workgroup are. */
  source: readonly WgslPart[];
}

/** A piece of a buffer. */
export interface BufferRange {
  /** With the usage STORAGE, to be bound. */
  buffer: GPUBuffer;
  /** Bytes. */
  offset: number;
  /** Bytes. */
  size: number;
}

/** One dispatch. */
export interface Launch {
  /** What runs. */
  kernel: KernelDefinition;
  /** `override` constants: a set of values is a variant of the kernel, compiled once. */
  constants?: Record<string, number>;
  /** The resources by the names that the WGSL gives them. */
  bindings: Record<string, BufferRange>;
  /** The fields of the uniform `params`. */
  params?: Record<string, number | ArrayLike<number>>;
  /** Either a count of invocations (folded into two dimensions where one does not hold them) … */
  invocations?: number;
  /** … or the workgroups of each dimension. */
  workgroups?: [number, number, number];
}

/** The limit of a device that decides how large a tensor may be. */
interface LargestBinding {
  /** Of one buffer. */
  bytes: number;
  /** Its name in `gpu.limits`. */
  limit: 'maxStorageBufferBindingSize' | 'maxBufferSize';
}

/** Of a dimension of a dispatch: WebGPU's own limit, which is not raised. */
export const MAX_WORKGROUPS = 65_535;
const MAX_CACHED_BIND_GROUPS = 8192;
const COPY_DST = 0x08;
const MAP_READ = 0x01;

/**
 * Records dispatches and copies and submits them in order. Pipelines, uniforms and bind groups are made once and kept.
 * An error of the GPU is kept and thrown by the next `submit`, `settled`, `read` or `close`; it names the kernel. An error of
 * somebody else's on the same GPUDevice is thrown there too: it may be why a buffer holds what it holds. Once the device is
 * lost, everything but `dispose` throws a `DeviceError` whose `lost` is true.
 */
export class Runtime {
  /** The device that everything runs on; `gpu.limits` and `gpu.features` tell what it has. */
  readonly gpu: GPUDevice;
  /** The most bytes that a kernel of the device sees of one buffer, and the limit that says so. */
  readonly largestBinding: Readonly<LargestBinding>;
  /** The buffers of pooled tensors; `usedBytes` and `heldBytes` count them. */
  readonly pool: BufferPool;
  readonly #pipelines: Pipelines;
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  readonly #uniforms: Uniforms;
  readonly #bufferIds = new WeakMap<GPUBuffer, number>();
  readonly #release: () => void;
  readonly #faults: DeviceFaults;
  #nextBufferId = 0;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  /** Whether `#encoder` is one of the caller's. */
  #foreign = false;
  #recorded = new Set<string>();
  /** While `kernelsOf` works: what would run. */
  #wanted: KernelVariant[] | null = null;
  #dispatches = 0;
  #profile: Profile | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;
  #choices: Choices;

  /** @param release called once at close: gives back what the device was opened with */
  constructor(gpu: GPUDevice, release: () => void = () => {}) {
    this.gpu = gpu;
    this.largestBinding = largestBindingOf(gpu.limits);
    this.#faults = new DeviceFaults(gpu);
    this.#pipelines = new Pipelines(gpu, this.#faults);
    this.#uniforms = new Uniforms(gpu);
    const make = (description: GPUBufferDescriptor) =>
      this.#faults.check('memory', () => gpu.createBuffer(description));
    this.pool = new BufferPool(make, gpu.limits.maxBufferSize);
    this.#choices = completeChoices(gpu, {});
    this.#release = release;
  }

  /** Dispatches recorded since the device was opened. */
  get dispatches(): number {
    return this.#dispatches;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The variant of its kernels that an operation launches; see choices.ts. */
  choice<N extends ChoiceName>(name: N): Choices[N] {
    return this.#choices[name];
  }

  /** All choices: plain JSON, to keep and to give back to `setChoices` or `openDevice`. */
  get choices(): Choices {
    return { ...this.#choices };
  }

  /**
   * Takes these choices; what is left out has its default. Results change by rounding: the same bits need the same choices.
   * @throws InputError when a name is unknown or the device cannot run a value
   */
  setChoices(choices: Partial<Choices>): void {
    if (!isPlain(choices)) refuse('choices', choices, 'an object, such as device.choices');
    this.#choices = completeChoices(this.gpu, choices);
  }

  /**
   * Records one dispatch.
   * @throws InputError when bindings or params do not fit the WGSL's declarations
   */
  run(launch: Launch): void {
    this.#assertOpen();
    assertLaunch(launch);
    const { kernel } = launch;
    if (this.#wanted) {
      this.#wanted.push(launch);
      return;
    }
    const declared = this.#pipelines.interfaceOf(kernel);
    const pipeline = this.#pipelines.get(launch, this.choice('bins.loops'));
    const group = this.#bindGroup(launch, declared, pipeline);
    const { size, override } = declared.workgroup;
    const invocations = (override ? launch.constants?.[override] : undefined) ?? size;
    const [x, y, z] = launch.workgroups ?? fold(Math.ceil((launch.invocations ?? 0) / invocations));
    if (![x, y, z].every((count) => Number.isSafeInteger(count) && count >= 0)) {
      throw new InputError(`kernel ${kernel.name}: ${x}×${y}×${z} workgroups; expected whole numbers.`);
    }
    if (x * y * z === 0) return;
    if (Math.max(x, y, z) > MAX_WORKGROUPS) {
      throw new InputError(`kernel ${kernel.name}: ${x}×${y}×${z} workgroups; a dimension holds ${MAX_WORKGROUPS}.`);
    }
    const pass = this.#computePass(kernel.name);
    pass.setPipeline(pipeline.pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y, z);
    this.#recorded.add(kernel.name);
    this.#dispatches++;
  }

  /** What `work` would run. It runs with all that it does but its dispatches. */
  kernelsOf(work: () => unknown): KernelVariant[] {
    this.#assertOpen();
    const wanted: KernelVariant[] = [];
    this.#wanted = wanted;
    try {
      work();
    } finally {
      this.#wanted = null;
    }
    return wanted;
  }

  /**
   * Compiles kernels that have not been, all at once and beside the program, so that no launch waits for it.
   * @param onProgress told of those compiled, at the start too; not called where there is nothing to compile
   * @throws DeviceError that names the kernel which does not compile, or as `settled`
   */
  async compile(
    variants: Iterable<KernelVariant>,
    onProgress: (done: number, of: number) => void = () => {},
  ): Promise<void> {
    this.#assertOpen();
    await this.#wait(this.#pipelines.compile(variants, this.choice('bins.loops'), onProgress));
    await this.#faults.settled();
  }

  /** Records a copy between buffers; offsets and size are multiples of 4 bytes. */
  copy(source: GPUBuffer, sourceOffset: number, target: GPUBuffer, targetOffset: number, bytes: number): void {
    this.#assertOpen();
    const size = 'bytes';
    assertRange('source', { buffer: source, offset: sourceOffset, size: bytes }, { offset: 'sourceOffset', size });
    assertRange('target', { buffer: target, offset: targetOffset, size: bytes }, { offset: 'targetOffset', size });
    this.#commandEncoder().copyBufferToBuffer(source, sourceOffset, target, targetOffset, bytes);
    this.#recorded.add('copy');
  }

  /** Records filling a range with zeros; offset and size are multiples of 4 bytes. */
  clear(range: BufferRange): void {
    this.#assertOpen();
    assertRange('range', range);
    const { buffer, offset, size } = range;
    this.#commandEncoder().clearBuffer(buffer, offset, size);
    this.#recorded.add('clear');
  }

  /**
   * Records what `work` does (dispatches, copies, clears) into a command encoder of the caller's, who submits it; what was
   * recorded before is submitted at once. No pass of the caller's may be open. Buffers that are used in it are not used again
   * outside of `record`. Encoders are to be submitted in the order in which they were recorded, and tensors made outside are to
   * be kept until then.
   * @param work synchronous; it cannot upload, read back or submit
   * @throws InputError when `work` tries to, or is async
   */
  record<T>(encoder: GPUCommandEncoder, work: () => T): T {
    this.#assertOpen();
    assertEncoder(encoder);
    syncWork('work', work);
    this.#submit();
    this.#encoder = encoder;
    this.#foreign = true;
    this.pool.apart = true;
    try {
      return work();
    } finally {
      this.#pass?.end();
      this.#pass = null;
      this.#encoder = null;
      this.#recorded = new Set();
      this.#foreign = false;
      this.pool.apart = false;
    }
  }

  /** Writes from the host. What was recorded before is submitted first, so that order is kept. */
  write(buffer: GPUBuffer, byteOffset: number, data: ArrayBufferView<ArrayBuffer>): void {
    this.#assertOpen();
    if (!ArrayBuffer.isView(data)) refuse('data', data, 'a typed array');
    const names = { offset: 'byteOffset', size: 'data of' };
    assertRange('buffer', { buffer, offset: byteOffset, size: data.byteLength }, names);
    this.#submit();
    this.#faults.check('an upload', () => {
      this.gpu.queue.writeBuffer(buffer, byteOffset, data.buffer, data.byteOffset, data.byteLength);
    });
  }

  /**
   * Submits what was recorded and reads a range back.
   * @throws DeviceError as `settled`
   */
  async read(range: BufferRange): Promise<ArrayBuffer> {
    this.#assertOpen();
    assertRange('range', range);
    const { buffer, offset, size } = range;
    this.#assertOwnEncoder();
    const staging = this.#faults.check('a readback', () =>
      this.gpu.createBuffer({ label: 'read', size: Math.max(4, size), usage: MAP_READ | COPY_DST }),
    );
    try {
      this.copy(buffer, offset, staging, 0, size);
      this.#submit();
      await this.#wait(this.#faults.settled());
      await this.#wait(staging.mapAsync(MAP_READ));
      return staging.getMappedRange().slice(0, size);
    } finally {
      staging.destroy();
    }
  }

  /**
   * Submits what was recorded; does not wait.
   * @throws DeviceError the loss of the device, or the first error that has come in since the last report
   */
  submit(): void {
    this.#assertOpen();
    this.#submit();
    this.#faults.report();
  }

  /**
   * Submits, waits until the queue is empty, and reports.
   * @throws DeviceError the loss of the device, or the first error since the last report; it names the kernel
   */
  async settled(): Promise<void> {
    this.#assertOpen();
    this.#submit();
    await this.#wait(this.gpu.queue.onSubmittedWorkDone());
    await this.#faults.settled();
  }

  /**
   * Times every dispatch that `work` records, kernel by kernel, by timestamps on the GPU.
   * @throws DeviceError when the adapter has no timestamps
   */
  async profile(work: () => void | Promise<void>): Promise<KernelTime[]> {
    assertWork('work', work);
    this.#assertTimestamps();
    await this.settled();
    const profile = new Profile(this.gpu);
    this.#profile = profile;
    try {
      await work();
      await this.settled();
    } finally {
      this.#profile = null;
    }
    return this.#wait(profile.finish());
  }

  /**
   * Milliseconds that the GPU takes for everything that `work` records, copies and clears included, by timestamps before and
   * after it.
   * @throws DeviceError when the adapter has no timestamps
   */
  async elapsed(work: () => void): Promise<number> {
    syncWork('work', work);
    this.#assertTimestamps();
    await this.settled();
    const stopwatch = new Stopwatch(this.gpu);
    stopwatch.start(this.#commandEncoder());
    work();
    stopwatch.stop(this.#commandEncoder());
    await this.settled();
    return this.#wait(stopwatch.finish());
  }

  /**
   * Waits for the queue, frees everything and lets the process exit. Closing twice does nothing.
   * @throws DeviceError the loss of the device, or an error not reported before, after everything was freed
   */
  async close(): Promise<void> {
    if (this.#closing) return this.#closing.catch(() => {});
    this.#closing = this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.settled();
    } finally {
      this.#closed = true;
      this.#faults.close();
      this.pool.destroy();
      this.#uniforms.destroy();
      this.#bindGroups.clear();
      this.#release();
    }
  }

  #assertTimestamps(): void {
    if (!this.gpu.features.has('timestamp-query')) {
      throw new DeviceError('This adapter has no timestamp queries; time whole submissions by the clock instead.');
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new InputError('device: it is closed; open another with openDevice().');
    this.#faults.assertAlive();
  }

  #wait<T>(work: Promise<T>): Promise<T> {
    return idleUntil(this.#faults.whileAlive(work));
  }

  #submit(): void {
    this.#assertOwnEncoder();
    if (!this.#encoder) return;
    this.#pass?.end();
    const label = [...this.#recorded].join(', ');
    this.#faults.check(`the commands of ${label}`, () => {
      if (this.#encoder) this.gpu.queue.submit([this.#encoder.finish({ label })]);
    });
    this.#encoder = null;
    this.#pass = null;
    this.#recorded = new Set();
  }

  #assertOwnEncoder(): void {
    if (!this.#foreign) return;
    throw new InputError(
      'record: its work uploads, reads or submits, which cannot go into an encoder; do that before or after.',
    );
  }

  #commandEncoder(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    this.#encoder ??= this.gpu.createCommandEncoder({ label: 'edgewise' });
    return this.#encoder;
  }

  #computePass(kernel: string): GPUComputePassEncoder {
    this.#encoder ??= this.gpu.createCommandEncoder({ label: 'edgewise' });
    const timestampWrites = this.#profile?.next(kernel);
    if (timestampWrites) {
      this.#pass?.end();
      this.#pass = this.#encoder.beginComputePass({ label: kernel, timestampWrites });
    }
    this.#pass ??= this.#encoder.beginComputePass({ label: 'edgewise' });
    return this.#pass;
  }

  #bindGroup({ kernel, bindings, params }: Launch, declared: KernelInterface, pipeline: Pipeline): GPUBindGroup {
    const ranges: { binding: number; range: BufferRange }[] = [];
    let key = `${pipeline.id}`;
    let named = 0;
    for (const { binding, name, type } of declared.bindings) {
      if (type === 'uniform' && !params) throw new InputError(`kernel ${kernel.name}: params are not given.`);
      const range = type === 'uniform' ? this.#uniform(kernel, declared, params ?? {}) : bindings[name];
      if (!range) throw new InputError(`kernel ${kernel.name}: the binding ${name} is not given.`);
      if (type !== 'uniform') named++;
      const { bytes, limit } = this.largestBinding;
      if (range.size > bytes) {
        throw new InputError(
          `kernel ${kernel.name}: the binding ${name} has ${range.size} bytes; a kernel of this device sees ${bytes} (${limit}).`,
        );
      }
      ranges.push({ binding, range });
      key += `|${this.#bufferId(range.buffer)}:${range.offset}:${range.size}`;
    }
    if (named !== Object.keys(bindings).length) {
      const names = declared.bindings.map(({ name }) => name).join(', ');
      throw new InputError(`kernel ${kernel.name}: it binds ${names}; got ${Object.keys(bindings).join(', ')}.`);
    }
    let group = this.#bindGroups.get(key);
    if (!group) {
      if (this.#bindGroups.size >= MAX_CACHED_BIND_GROUPS) this.#bindGroups.clear();
      group = this.#faults.check(`the bindings of kernel ${kernel.name}`, () =>
        this.gpu.createBindGroup({
          label: kernel.name,
          layout: pipeline.layout,
          entries: ranges.map(({ binding, range }) => ({ binding, resource: range })),
        }),
      );
      this.#bindGroups.set(key, group);
    }
    return group;
  }

  #uniform(kernel: KernelDefinition, declared: KernelInterface, params: NonNullable<Launch['params']>): BufferRange {
    if (!declared.parameters) throw new InputError(`kernel ${kernel.name}: it has no params.`);
    const bytes = packParameters(kernel.name, declared.parameters, params);
    const buffer = this.#uniforms.get(bytes, `params of ${kernel.name}`);
    return { buffer, offset: 0, size: bytes.byteLength };
  }

  #bufferId(buffer: GPUBuffer): number {
    let id = this.#bufferIds.get(buffer);
    if (id === undefined) {
      id = this.#nextBufferId++;
      this.#bufferIds.set(buffer, id);
    }
    return id;
  }
}

function largestBindingOf({ maxStorageBufferBindingSize, maxBufferSize }: GPUSupportedLimits): LargestBinding {
  return maxStorageBufferBindingSize <= maxBufferSize
    ? { bytes: maxStorageBufferBindingSize, limit: 'maxStorageBufferBindingSize' }
    : { bytes: maxBufferSize, limit: 'maxBufferSize' };
}

/** Splits a count of workgroups over two dimensions; kernels rebuild the index with shaders/lib/index.wgsl. */
function fold(groups: number): [number, number, number] {
  if (groups <= MAX_WORKGROUPS) return [groups, 1, 1];
  const rows = Math.ceil(groups / MAX_WORKGROUPS);
  return [Math.ceil(groups / rows), rows, 1];
}
