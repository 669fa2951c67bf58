import { work as assertWork, isPlain, refuse, syncWork } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertEncoder, assertLaunch, assertRange } from './argument.js';
import { BindGroups, type LargestBinding, largestBindingOf } from './bindGroups.js';
import type { BufferPlan } from './bufferPlan.js';
import { type ChoiceName, type Choices, completeChoices, sharingLanes } from './choices.js';
import { DeviceFaults } from './faults.js';
import { type BufferRange, type KernelVariant, type Launch, workgroupsOf } from './launch.js';
import { Pipelines } from './pipelines.js';
import { BufferPool } from './pool.js';
import type { KernelTime } from './profile.js';
import { readBack } from './readBack.js';
import { Recorder } from './recorder.js';
import { elapsed, profile } from './timestamps.js';

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
  readonly #bindGroups: BindGroups;
  readonly #recorder: Recorder;
  readonly #release: () => void;
  readonly #faults: DeviceFaults;
  /** While `kernelsOf` works: what would run. */
  #wanted: KernelVariant[] | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;
  readonly #sharingLanes: 4 | 8;
  #choices: Choices;

  /** @param release called once at close: gives back what the device was opened with */
  constructor(gpu: GPUDevice, release: () => void = () => {}) {
    this.gpu = gpu;
    this.largestBinding = largestBindingOf(gpu.limits);
    this.#faults = new DeviceFaults(gpu);
    this.#pipelines = new Pipelines(gpu, this.#faults);
    this.#bindGroups = new BindGroups(gpu, this.#faults, this.largestBinding);
    this.#recorder = new Recorder(gpu, this.#faults);
    const make = (description: GPUBufferDescriptor) =>
      this.#faults.check('memory', () => gpu.createBuffer(description));
    this.pool = new BufferPool(make, gpu.limits.maxBufferSize);
    this.#sharingLanes = sharingLanes(gpu);
    this.#choices = completeChoices(gpu, {});
    this.#release = release;
  }

  /** Dispatches recorded since the device was opened. */
  get dispatches(): number {
    return this.#recorder.dispatches;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The variant of its kernels that an operation launches; see choices.ts. */
  choice<N extends ChoiceName>(name: N): Choices[N] {
    return this.#choices[name];
  }

  /** LANES of kernels that share what they read in subgroups; see choices.ts. */
  get sharingLanes(): 4 | 8 {
    return this.#sharingLanes;
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
    if (this.#wanted) return void this.#wanted.push(launch);
    const declared = this.#pipelines.interfaceOf(kernel);
    const pipeline = this.#pipelines.get(launch, this.choice('bins.loops'));
    const group = this.#bindGroups.get(launch, declared, pipeline);
    const workgroups = workgroupsOf(launch, declared);
    if (!workgroups.includes(0)) this.#recorder.dispatch(kernel.name, pipeline.pipeline, group, workgroups);
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
    await this.#faults.wait(this.#pipelines.compile(variants, this.choice('bins.loops'), onProgress));
    await this.#faults.settled();
  }

  /** Records a copy between buffers; offsets and size are multiples of 4 bytes. */
  copy(source: GPUBuffer, sourceOffset: number, target: GPUBuffer, targetOffset: number, bytes: number): void {
    this.#assertOpen();
    const size = 'bytes';
    assertRange('source', { buffer: source, offset: sourceOffset, size: bytes }, { offset: 'sourceOffset', size });
    assertRange('target', { buffer: target, offset: targetOffset, size: bytes }, { offset: 'targetOffset', size });
    this.#recorder.copy(source, sourceOffset, target, targetOffset, bytes);
  }

  /** Records filling a range with zeros; offset and size are multiples of 4 bytes. */
  clear(range: BufferRange): void {
    this.#assertOpen();
    assertRange('range', range);
    this.#recorder.clear(range);
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
    this.#recorder.submit();
    this.pool.apart = true;
    try {
      return this.#recorder.into(encoder, work);
    } finally {
      this.pool.apart = false;
    }
  }

  /**
   * The tensors made next are those of work that a plan was made for, in its order (`BufferPool.follow`). Another plan than before submits what
   * was recorded.
   * @param plan null: of other work
   */
  follow(plan: BufferPlan | null): void {
    this.#assertOpen();
    if (plan && plan !== this.pool.plan) this.#recorder.submit();
    this.pool.follow(plan);
  }

  /** The last plan is over (`BufferPool.forget`); what was recorded is submitted. */
  forgetPlan(): void {
    if (!this.pool.plan || this.#faults.isLost) return;
    this.#recorder.submit();
    this.pool.forget();
  }

  /** Writes from the host. What was recorded before is submitted first, so that order is kept. */
  write(buffer: GPUBuffer, byteOffset: number, data: ArrayBufferView<ArrayBuffer>): void {
    this.#assertOpen();
    if (!ArrayBuffer.isView(data)) refuse('data', data, 'a typed array');
    const names = { offset: 'byteOffset', size: 'data of' };
    assertRange('buffer', { buffer, offset: byteOffset, size: data.byteLength }, names);
    this.#recorder.submit();
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
    return readBack(this.#parts, range);
  }

  /**
   * Submits what was recorded; does not wait.
   * @throws DeviceError the loss of the device, or the first error that has come in since the last report
   */
  submit(): void {
    this.#assertOpen();
    this.#recorder.submit();
    this.#faults.report();
  }

  /**
   * Submits, waits until the queue is empty, and reports.
   * @throws DeviceError the loss of the device, or the first error since the last report; it names the kernel
   */
  async settled(): Promise<void> {
    this.#assertOpen();
    this.#recorder.submit();
    await this.#faults.wait(this.gpu.queue.onSubmittedWorkDone());
    await this.#faults.settled();
  }

  /**
   * Times every dispatch that `work` records, kernel by kernel, by timestamps on the GPU.
   * @throws DeviceError when the adapter has no timestamps
   */
  async profile(work: () => void | Promise<void>): Promise<KernelTime[]> {
    assertWork('work', work);
    return profile(this.#parts, work);
  }

  /**
   * Milliseconds that the GPU takes for everything that `work` records, copies and clears included, by timestamps before and
   * after it.
   * @throws DeviceError when the adapter has no timestamps
   */
  async elapsed(work: () => void): Promise<number> {
    syncWork('work', work);
    return elapsed(this.#parts, work);
  }

  /**
   * Waits for the queue, frees everything and lets the process exit. Closing twice does nothing.
   * @throws DeviceError the loss of the device, or an error not reported before, after everything was freed
   */
  async close(): Promise<void> {
    if (this.#closing) return this.#closing.catch(() => {});
    this.#closing = this.settled().finally(() => {
      this.#closed = true;
      this.#faults.close();
      this.pool.destroy();
      this.#bindGroups.destroy();
      this.#release();
    });
    return this.#closing;
  }

  get #parts() {
    return { gpu: this.gpu, recorder: this.#recorder, faults: this.#faults, settled: () => this.settled() };
  }

  #assertOpen(): void {
    if (this.#closed) throw new InputError('device: it is closed; open another with openDevice().');
    this.#faults.assertAlive();
  }
}
