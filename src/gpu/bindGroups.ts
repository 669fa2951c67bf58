import { InputError } from '../util/error.js';
import type { DeviceFaults } from './faults.js';
import type { BufferRange, KernelDefinition, Launch } from './launch.js';
import type { Pipeline } from './pipelines.js';
import { Uniforms } from './uniforms.js';
import { type KernelInterface, packParameters } from './wgsl.js';

/** The limit of a device that decides how large a tensor may be. */
export interface LargestBinding {
  /** Of one buffer. */
  bytes: number;
  /** Its name in `gpu.limits`. */
  limit: 'maxStorageBufferBindingSize' | 'maxBufferSize';
}

const MAX_CACHED = 8192;

/** The bind groups of launches, each made once; the uniforms of their params with them. */
export class BindGroups {
  readonly #gpu: GPUDevice;
  readonly #faults: DeviceFaults;
  readonly #largest: LargestBinding;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #uniforms: Uniforms;
  readonly #bufferIds = new WeakMap<GPUBuffer, number>();
  #nextBufferId = 0;

  constructor(gpu: GPUDevice, faults: DeviceFaults, largest: LargestBinding) {
    this.#gpu = gpu;
    this.#faults = faults;
    this.#largest = largest;
    this.#uniforms = new Uniforms(gpu);
  }

  /** @throws InputError when bindings or params do not fit the WGSL's declarations */
  get({ kernel, bindings, params }: Launch, declared: KernelInterface, pipeline: Pipeline): GPUBindGroup {
    const ranges: { binding: number; range: BufferRange }[] = [];
    let key = `${pipeline.id}`;
    let named = 0;
    for (const { binding, name, type } of declared.bindings) {
      if (type === 'uniform' && !params) throw new InputError(`kernel ${kernel.name}: params are not given.`);
      const range = type === 'uniform' ? this.#uniform(kernel, declared, params ?? {}) : bindings[name];
      if (!range) throw new InputError(`kernel ${kernel.name}: the binding ${name} is not given.`);
      if (type !== 'uniform') named++;
      const { bytes, limit } = this.#largest;
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
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= MAX_CACHED) this.#groups.clear();
      group = this.#faults.check(`the bindings of kernel ${kernel.name}`, () =>
        this.#gpu.createBindGroup({
          label: kernel.name,
          layout: pipeline.layout,
          entries: ranges.map(({ binding, range }) => ({ binding, resource: range })),
        }),
      );
      this.#groups.set(key, group);
    }
    return group;
  }

  destroy(): void {
    this.#uniforms.destroy();
    this.#groups.clear();
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

/** The largest binding of a device with these limits. */
export function largestBindingOf({ maxStorageBufferBindingSize, maxBufferSize }: GPUSupportedLimits): LargestBinding {
  return maxStorageBufferBindingSize <= maxBufferSize
    ? { bytes: maxStorageBufferBindingSize, limit: 'maxStorageBufferBindingSize' }
    : { bytes: maxBufferSize, limit: 'maxBufferSize' };
}
