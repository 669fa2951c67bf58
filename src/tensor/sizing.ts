import type { BufferUse } from '../gpu/bufferPlan.js';
import type { BufferRange, KernelVariant, Launch } from '../gpu/launch.js';
import { copyMatrices } from '../gpu/matrices.js';
import { BufferPool } from '../gpu/pool.js';
import { Device } from './device.js';
import type { DataType, Tensor } from './tensor.js';

/** The most that work asked for. */
export interface Needs {
  /** Of the largest buffer. */
  bytes: number;
  /** Which it is, for messages. */
  buffer: string;
  /** The most workgroups of a dimension of a dispatch. */
  workgroups: number;
  /** What it runs. */
  kernels: KernelVariant[];
  /** The requests to the pool. */
  uses: BufferUse[];
  /** Bytes that the pool holds in the end, with what was there before. */
  held: number;
}

/**
 * A device that has no memory and computes nothing: it finds out what recorded work needs. Only shapes count, so its tensors have
 * no values and cannot be read.
 */
export class SizingDevice extends Device {
  readonly #noting = new NotingPool(sizeOnly);
  override readonly pool: BufferPool = this.#noting;
  #needs: Needs = nothing();

  /** @param model the device that the work is meant for: its choices are used */
  constructor(model: Device) {
    super(standIn(model.gpu), model.adapter);
    this.setChoices(model.choices);
  }

  /** What `work` needs. */
  needsOf(work: () => void): Needs {
    this.#needs = nothing();
    this.#noting.begin();
    this.tidy(work);
    return { ...this.#needs, uses: this.#noting.uses, held: this.pool.heldBytes };
  }

  override run({ kernel, constants = {}, bindings, workgroups = [0, 0, 0] }: Launch): void {
    this.#needs.kernels.push({ kernel, constants });
    for (const [name, { size }] of Object.entries(bindings)) this.#note(size, `${name} of ${kernel.name}`);
    this.#needs.workgroups = Math.max(this.#needs.workgroups, ...workgroups);
  }

  override track<T extends Tensor>(tensor: T): T {
    this.#note(tensor.bytes, `a tensor of shape [${tensor.shape}]`);
    return super.track(tensor);
  }

  override tensor(values: ArrayLike<number>, shape: readonly number[] = [values.length], type?: DataType): Tensor {
    return this.empty(shape, type);
  }

  override write(): void {}
  override copy(): void {}
  override clear(_range: BufferRange): void {}
  override submit(): void {}

  #note(bytes: number, buffer: string): void {
    if (bytes > this.#needs.bytes) Object.assign(this.#needs, { bytes, buffer });
  }
}

function nothing(): Needs {
  return { bytes: 0, buffer: '', workgroups: 0, kernels: [], uses: [], held: 0 };
}

/** The parts of a GPUDevice that `Device` uses before it computes. Its buffers have only a size. */
function standIn(model: GPUDevice): GPUDevice {
  const { features, limits, adapterInfo } = model;
  const { minStorageBufferOffsetAlignment } = limits;
  const unlimited = { maxStorageBufferBindingSize: Number.POSITIVE_INFINITY, maxBufferSize: Number.POSITIVE_INFINITY };
  const gpu = {
    features,
    adapterInfo,
    limits: { minStorageBufferOffsetAlignment, ...unlimited },
    lost: new Promise(() => {}),
    addEventListener: () => {},
    pushErrorScope: () => {},
    popErrorScope: async () => null,
    createBuffer: sizeOnly,
  } as unknown as GPUDevice;
  copyMatrices(model, gpu);
  return gpu;
}

function sizeOnly({ size, usage }: GPUBufferDescriptor): GPUBuffer {
  return { size, usage, mapState: 'unmapped', destroy: () => {} } as unknown as GPUBuffer;
}

/** Writes down what it is asked for. */
class NotingPool extends BufferPool {
  uses: BufferUse[] = [];
  readonly #open = new Map<GPUBuffer, BufferUse>();
  #time = 0;

  /** Forgets what was before. */
  begin(): void {
    this.uses = [];
    this.#open.clear();
  }

  override take(bytes: number): GPUBuffer {
    const buffer = super.take(bytes);
    const use = { bytes, from: this.#time++, to: Number.POSITIVE_INFINITY };
    this.uses.push(use);
    this.#open.set(buffer, use);
    return buffer;
  }

  override give(buffer: GPUBuffer): void {
    const use = this.#open.get(buffer);
    if (use) use.to = this.#time++;
    this.#open.delete(buffer);
    super.give(buffer);
  }
}
