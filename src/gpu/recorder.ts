import { InputError } from '../util/error.js';
import type { DeviceFaults } from './faults.js';
import type { BufferRange } from './launch.js';
import type { Profile } from './profile.js';

/** Records dispatches, copies and clears, in order, into an encoder that is made when it is needed. */
export class Recorder {
  readonly #gpu: GPUDevice;
  readonly #faults: DeviceFaults;
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  /** Whether `#encoder` is one of the caller's. */
  #isForeign = false;
  #names = new Set<string>();
  #dispatches = 0;
  /** Where it is set, each dispatch is timed. */
  profile: Profile | null = null;

  constructor(gpu: GPUDevice, faults: DeviceFaults) {
    this.#gpu = gpu;
    this.#faults = faults;
  }

  /** Dispatches recorded so far. */
  get dispatches(): number {
    return this.#dispatches;
  }

  dispatch(
    kernel: string,
    pipeline: GPUComputePipeline,
    group: GPUBindGroup,
    workgroups: [number, number, number],
  ): void {
    const pass = this.#computePass(kernel);
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...workgroups);
    this.#names.add(kernel);
    this.#dispatches++;
  }

  copy(source: GPUBuffer, sourceOffset: number, target: GPUBuffer, targetOffset: number, bytes: number): void {
    this.encoder().copyBufferToBuffer(source, sourceOffset, target, targetOffset, bytes);
    this.#names.add('copy');
  }

  clear({ buffer, offset, size }: BufferRange): void {
    this.encoder().clearBuffer(buffer, offset, size);
    this.#names.add('clear');
  }

  /** The encoder, outside of any pass. */
  encoder(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    this.#encoder ??= this.#gpu.createCommandEncoder({ label: 'edgewise' });
    return this.#encoder;
  }

  /** Records what `work` does into an encoder of the caller's. What was recorded before must have been submitted. */
  into<T>(encoder: GPUCommandEncoder, work: () => T): T {
    this.#encoder = encoder;
    this.#isForeign = true;
    try {
      return work();
    } finally {
      this.#pass?.end();
      this.#pass = null;
      this.#encoder = null;
      this.#names = new Set();
      this.#isForeign = false;
    }
  }

  /** Submits what was recorded. @throws InputError within `into` */
  submit(): void {
    this.assertOwn();
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#pass?.end();
    const label = [...this.#names].join(', ');
    this.#faults.check(`the commands of ${label}`, () => this.#gpu.queue.submit([encoder.finish({ label })]));
    this.#encoder = null;
    this.#pass = null;
    this.#names = new Set();
  }

  /** @throws InputError within `into` */
  assertOwn(): void {
    if (!this.#isForeign) return;
    throw new InputError(
      'record: its work uploads, reads or submits, which cannot go into an encoder; do that before or after.',
    );
  }

  #computePass(kernel: string): GPUComputePassEncoder {
    this.#encoder ??= this.#gpu.createCommandEncoder({ label: 'edgewise' });
    const timestampWrites = this.profile?.next(kernel);
    if (timestampWrites) {
      this.#pass?.end();
      this.#pass = this.#encoder.beginComputePass({ label: kernel, timestampWrites });
    }
    this.#pass ??= this.#encoder.beginComputePass({ label: 'edgewise' });
    return this.#pass;
  }
}
