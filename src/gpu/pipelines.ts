import { DeviceError } from '../util/error.js';
import { assemble, located } from './assemble.js';
import { dumpWgsl } from './dumpWgsl.js';
import type { DeviceFaults } from './faults.js';
import type { KernelDefinition, KernelVariant } from './launch.js';
import { type BindingType, joinInterface, type KernelInterface } from './wgsl.js';

export interface Pipeline {
  /** Tells pipelines apart in keys of caches. */
  id: number;
  pipeline: GPUComputePipeline;
  layout: GPUBindGroupLayout;
}

/** More than any kernel's uniform, or the part of fixed size of a binding, has. */
const STAND_IN_BYTES = 16_384;

/** How the loops over bins are compiled; a choice of the device. */
type Loops = 'unrolled' | 'loops' | (string & {});

/** The compiled kernels of a device. */
export class Pipelines {
  readonly #gpu: GPUDevice;
  readonly #faults: DeviceFaults;
  readonly #interfaces = new Map<KernelDefinition['source'], KernelInterface>();
  readonly #variants = new Map<KernelDefinition, Map<string, Pipeline>>();
  #nextId = 0;

  constructor(gpu: GPUDevice, faults: DeviceFaults) {
    this.#gpu = gpu;
    this.#faults = faults;
  }

  /** What the WGSL of a kernel declares. */
  interfaceOf(kernel: KernelDefinition): KernelInterface {
    let declared = this.#interfaces.get(kernel.source);
    if (!declared) {
      declared = joinInterface(kernel.name, kernel.source);
      this.#interfaces.set(kernel.source, declared);
    }
    return declared;
  }

  /** A variant, compiled now where it has not been. */
  get(variant: KernelVariant, loops: Loops): Pipeline {
    const { known, key } = this.#find(variant, loops);
    let pipeline = known.get(key);
    if (!pipeline) {
      const { layout, description, explain } = this.#describe(variant, loops);
      const make = () => this.#gpu.createComputePipeline(description);
      pipeline = {
        id: this.#nextId++,
        layout,
        pipeline: this.#faults.check(`kernel ${variant.kernel.name}`, make, explain),
      };
      known.set(key, pipeline);
    }
    return pipeline;
  }

  /**
   * Compiles all variants that have not been, at once and beside the program.
   * @param onProgress told of those compiled, at the start too, where there are any
   * @throws DeviceError that names the kernel which does not compile
   */
  async compile(
    variants: Iterable<KernelVariant>,
    loops: Loops,
    onProgress: (done: number, of: number) => void,
  ): Promise<void> {
    const missing = new Map<string, { variant: KernelVariant; known: Map<string, Pipeline>; key: string }>();
    const numbers = new Map<KernelDefinition, number>();
    for (const variant of variants) {
      const { known, key } = this.#find(variant, loops);
      const { kernel } = variant;
      if (!numbers.has(kernel)) numbers.set(kernel, numbers.size);
      if (!known.has(key)) missing.set(`${numbers.get(kernel)} ${key}`, { variant, known, key });
    }
    if (missing.size === 0) return;
    let done = 0;
    onProgress(done, missing.size);
    const stand = new StandIns(this.#gpu);
    const compiled = Promise.all(
      [...missing.values()].map(async ({ variant, known, key }) => {
        const { layout, description, explain } = this.#describe(variant, loops);
        const pipeline = await this.#gpu.createComputePipelineAsync(description).catch(async (cause: Error) => {
          throw new DeviceError(`kernel ${variant.kernel.name}: ${(await explain()) ?? cause.message}`, { cause });
        });
        // One that was asked for meanwhile stays: bind groups may hold its layout.
        if (!known.has(key)) known.set(key, { id: this.#nextId++, layout, pipeline });
        // lavapipe compiles at the first dispatch, also where that is of no workgroup; given as a number, 0 makes Dawn warn.
        this.#faults.check(`kernel ${variant.kernel.name}`, () => {
          const { bindings } = this.interfaceOf(variant.kernel);
          const encoder = this.#gpu.createCommandEncoder({ label: 'compile' });
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, stand.bindGroup(layout, bindings));
          pass.dispatchWorkgroupsIndirect(stand.noWorkgroups, 0);
          pass.end();
          this.#gpu.queue.submit([encoder.finish()]);
        });
        await this.#gpu.queue.onSubmittedWorkDone();
        onProgress(++done, missing.size);
      }),
    );
    await compiled.finally(() => stand.destroy());
  }

  #find({ kernel, constants = {} }: KernelVariant, loops: Loops): { known: Map<string, Pipeline>; key: string } {
    let known = this.#variants.get(kernel);
    if (!known) {
      known = new Map();
      this.#variants.set(kernel, known);
    }
    return { known, key: loops + JSON.stringify(constants) };
  }

  #describe({ kernel, constants = {} }: KernelVariant, loops: Loops) {
    const { name: label } = kernel;
    const { bindings, overrides, fixed } = this.interfaceOf(kernel);
    const code = assemble(label, kernel.source, loops === 'unrolled', constants, overrides);
    dumpWgsl(label, constants, code);
    const left = Object.fromEntries(Object.entries(constants).filter(([name]) => !fixed.has(name)));
    let module: GPUShaderModule | undefined;
    const explain = async () => {
      const messages = (await module?.getCompilationInfo().catch(() => null))?.messages ?? [];
      const error = messages.find(({ type }) => type === 'error');
      return error ? located(code, error) : null;
    };
    return this.#faults.check(
      `kernel ${label}`,
      () => {
        const entries = bindings.map(({ binding, type }) => ({
          binding,
          visibility: 4 /* COMPUTE */,
          buffer: { type },
        }));
        const layout = this.#gpu.createBindGroupLayout({ label, entries });
        module = this.#gpu.createShaderModule({ label, code });
        const description: GPUComputePipelineDescriptor = {
          label,
          layout: this.#gpu.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
          compute: { module, entryPoint: 'main', constants: left },
        };
        return { layout, description, explain };
      },
      explain,
    );
  }
}

/** Buffers that no kernel touches, one for each place of a bind group. */
class StandIns {
  readonly #gpu: GPUDevice;
  readonly #buffers = new Map<string, GPUBuffer>();
  /** For an indirect dispatch: buffers begin with zeros. */
  readonly noWorkgroups: GPUBuffer;

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    this.noWorkgroups = gpu.createBuffer({ label: 'no workgroups', size: 12, usage: 0x100 /* INDIRECT */ });
  }

  bindGroup(layout: GPUBindGroupLayout, bindings: KernelInterface['bindings']): GPUBindGroup {
    const entries = bindings.map(({ binding, type }, i) => ({ binding, resource: { buffer: this.#buffer(type, i) } }));
    return this.#gpu.createBindGroup({ layout, entries });
  }

  destroy(): void {
    for (const buffer of [this.noWorkgroups, ...this.#buffers.values()]) buffer.destroy();
  }

  #buffer(type: BindingType, place: number): GPUBuffer {
    const usage = type === 'uniform' ? 0x40 /* UNIFORM */ : 0x80; /* STORAGE */
    const key = `${usage} ${place}`;
    let buffer = this.#buffers.get(key);
    if (!buffer) {
      buffer = this.#gpu.createBuffer({ label: 'stand-in', size: STAND_IN_BYTES, usage });
      this.#buffers.set(key, buffer);
    }
    return buffer;
  }
}
