import type { BufferRange, Launch } from '../src/gpu/launch.js';
import { Device } from '../src/tensor/device.js';

/** WebGPU's guaranteed limits, as far as edgewise asks. */
const LIMITS = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  minStorageBufferOffsetAlignment: 256,
};

type WebGpuBuffer = BufferRange['buffer'];

/** Named as WebGPU's own, which messages name. */
class GPUBuffer {
  readonly size: number;
  readonly usage: number;
  readonly mapState = 'unmapped';

  constructor({ size, usage }: GPUBufferDescriptor) {
    this.size = size;
    this.usage = usage;
  }

  destroy(): void {}
}

class GPUCommandEncoder {
  beginComputePass() {}
  copyBufferToBuffer() {}
  clearBuffer() {}
  finish() {}
}

/** Whatever else is asked of it throws. */
class GPUDevice extends EventTarget {
  readonly limits: typeof LIMITS;
  readonly features = new Set();
  readonly lost = new Promise(() => {});
  readonly queue = { submit() {}, writeBuffer() {} };

  constructor(limits: Partial<typeof LIMITS>) {
    super();
    this.limits = { ...LIMITS, ...limits };
  }

  pushErrorScope(): void {}

  async popErrorScope(): Promise<null> {
    return null;
  }

  createCommandEncoder() {
    return new GPUCommandEncoder();
  }

  createBuffer(description: GPUBufferDescriptor): GPUBuffer {
    return new GPUBuffer(description);
  }
}

/** A GPUDevice without a GPU: its buffers have sizes and usages. */
export function fakeGpu(limits: Partial<typeof LIMITS> = {}): globalThis.GPUDevice {
  return new GPUDevice(limits) as unknown as globalThis.GPUDevice;
}

/**
 * A device that computes nothing, but looks at what it is given as WebGPU would: pure tests of arguments run on it. What it
 * reads is zeros.
 */
export class FakeDevice extends Device {
  constructor(limits: Partial<typeof LIMITS> = {}) {
    super(fakeGpu(limits), { name: 'the adapter', kind: 'adopted', source: '' });
  }

  override run({ kernel, bindings, workgroups, invocations = 0, params = {} }: Launch): void {
    for (const [name, range] of Object.entries(bindings)) valid(`${name} of ${kernel.name}`, range, 256);
    const flat = Object.values(params).flatMap((value) => (typeof value === 'number' ? [value] : Array.from(value)));
    const isNumber = (value: unknown) => typeof value === 'number' && !Number.isNaN(value);
    if (![...(workgroups ?? []), invocations, ...flat].every(isNumber)) {
      throw new Error(`${kernel.name} would run with ${JSON.stringify({ workgroups, invocations, params })}`);
    }
  }

  override copy(
    source: WebGpuBuffer,
    sourceOffset: number,
    target: WebGpuBuffer,
    targetOffset: number,
    size: number,
  ): void {
    valid('source of a copy', { buffer: source, offset: sourceOffset, size }, 4);
    valid('target of a copy', { buffer: target, offset: targetOffset, size }, 4);
  }

  override clear(range: BufferRange): void {
    valid('a clear', range, 4);
  }

  override write(buffer: WebGpuBuffer, offset: number, { byteLength: size }: ArrayBufferView<ArrayBuffer>): void {
    valid('a write', { buffer, offset, size }, 4);
  }

  override async read(range: BufferRange): Promise<ArrayBuffer> {
    valid('a read', range, 4);
    return new ArrayBuffer(range.size);
  }

  override submit(): void {}
  override async settled(): Promise<void> {}
}

/** @throws Error, no InputError, where WebGPU would report a validation error later */
function valid(what: string, { buffer, offset, size }: BufferRange, alignment: number): void {
  const fits = offset % alignment === 0 && size >= 0 && size % 4 === 0 && offset + size <= buffer.size;
  if (!fits) throw new Error(`WebGPU would refuse ${what}: ${size} bytes at ${offset} of ${buffer.size}`);
}
