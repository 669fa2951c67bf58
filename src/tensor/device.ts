import { type AdapterPreference, findAdapter, requestDevice } from '../gpu/adapter.js';
import type { Choices } from '../gpu/choices.js';
import { Runtime } from '../gpu/runtime.js';
import { work as anyWork, fields, flag, numbers, optional, options, syncWork, text } from '../util/argument.js';
import { assertBindable } from './bindable.js';
import { bytesOf } from './dataType.js';
import { assertGpuDevice } from './deviceArgument.js';
import type { Parts } from './parts.js';
import { assertShape, type DataType, dataType, sizeOf, Tensor, toArray } from './tensor.js';
import { assertTensor } from './tensorArgument.js';
import { type ChoiceReport, type TuneOptions, tuneChoices, type Workload } from './tune.js';

/** What the kernels run on. */
export interface AdapterDescription {
  /** The name as the driver gives it. */
  name: string;
  /** As it was asked for or found; `adopted`: `Device.adopt` was given a device. */
  kind: 'hardware' | 'software' | 'embedded' | 'browser' | 'adopted';
  /** Where the driver came from. */
  source: string;
}

/** What `openDevice` opens. */
export interface OpenOptions {
  /**
   * `auto` (default) takes the first found of: hardware, the system's software Vulkan (Mesa lavapipe), the embedded
   * SwiftShader.
   */
  adapter?: AdapterPreference;
  /** False: ignores what `device.tune` has kept for this adapter. In a browser nothing is kept. */
  tune?: boolean;
  /** Used instead of what was kept: `device.choices` of a tuned device. A choice that is left out has its default. */
  choices?: Partial<Choices>;
}

/** A `Runtime` that makes tensors. Open one with `openDevice`, or `Device.adopt` a `GPUDevice` you have. */
export class Device extends Runtime {
  /** What the kernels run on. */
  readonly adapter: AdapterDescription;
  /** The file that the choices between kernels' variants come from; null where they were given or are the defaults. */
  tuningFile: string | null = null;
  #scopes: Set<Tensor>[] = [];

  /** Use `openDevice` or `Device.adopt`. */
  constructor(gpu: GPUDevice, adapter: AdapterDescription, release?: () => void) {
    super(gpu, release);
    this.adapter = adapter;
  }

  /**
   * Uses a `GPUDevice` that the caller has made and will destroy; `close` frees what edgewise has made on it. Kernels can use
   * the features and limits that it was requested with.
   * @throws InputError for anything but a GPUDevice, such as an adapter
   */
  static adopt(gpu: GPUDevice): Device {
    assertGpuDevice(gpu);
    const { vendor = '', architecture = '', description = '' } = gpu.adapterInfo ?? {};
    const name = description || [vendor, architecture].filter(Boolean).join(' ') || 'adopted device';
    return new Device(gpu, { name, kind: 'adopted', source: 'Device.adopt' });
  }

  /**
   * A tensor with the given values.
   * @param shape default: one dimension
   * @param type default: the values' own type, f32 for plain numbers
   * @throws InputError for values that are no numbers of the type, do not fit the shape, or are too many for the device
   */
  tensor(values: ArrayLike<number>, shape?: readonly number[], type?: DataType): Tensor {
    if (shape !== undefined) {
      // Checked before the values, of which there may be 10⁹.
      assertShape('shape', shape);
      assertBindable('tensor', shape, this);
    }
    numbers('values', values);
    const inferred = values instanceof Int32Array ? 'i32' : values instanceof Uint32Array ? 'u32' : 'f32';
    const tensor = this.empty(shape === undefined ? [values.length] : shape, type === undefined ? inferred : type);
    tensor.write(toArray(values, tensor.type));
    return tensor;
  }

  /**
   * A tensor with undefined content; its buffer comes from the pool and goes back with `dispose`.
   * @param shape row-major; [] is a scalar
   * @throws InputError when kernels of the device cannot see so large a tensor
   */
  empty(shape: readonly number[], type: DataType = 'f32'): Tensor {
    assertShape('shape', shape);
    dataType('type', type);
    assertBindable('tensor', shape, this, type);
    const buffer = this.pool.take(bytesOf(sizeOf(shape), type));
    return this.track(new Tensor(this, { buffer, offset: 0, shape: [...shape], type, ownership: 'pooled' }));
  }

  /**
   * A tensor of zeros.
   * @param shape row-major; [] is a scalar
   */
  zeros(shape: readonly number[], type: DataType = 'f32'): Tensor {
    const tensor = this.empty(shape, type);
    if (tensor.size > 0) this.clear({ ...tensor.range, size: tensor.bytes });
    return tensor;
  }

  /** Makes the innermost `tidy` responsible for a tensor; returns it. @throws InputError when it is none */
  track<T extends Tensor>(tensor: T): T {
    assertTensor('tensor', tensor, { type: 'any', device: this });
    this.#scopes.at(-1)?.add(tensor);
    return tensor;
  }

  /**
   * Runs `work` and gives back every tensor made in it, except those in its result (a tensor, or an array or plain
   * object of tensors) and those moved out with `keep`.
   * @throws InputError when `work` is async: its tensors would be given back before it uses them
   */
  tidy<T>(work: () => T): T {
    syncWork('work', work);
    const scope = new Set<Tensor>();
    this.#scopes.push(scope);
    let result: T | undefined;
    try {
      result = work();
      return result;
    } finally {
      this.#scopes.pop();
      this.#leave(scope, result);
    }
  }

  /**
   * `tidy` for work in parts, which may wait for other processes in between: a tensor lives until the end of the last part.
   * @param work starts the parts
   */
  *tidyParts<T>(work: () => Parts<T>): Parts<T> {
    const scope = new Set<Tensor>();
    const parts = work();
    let result: T | undefined;
    try {
      for (;;) {
        this.#scopes.push(scope);
        let part: ReturnType<typeof parts.next>;
        try {
          part = parts.next();
        } finally {
          this.#scopes.pop();
        }
        if (part.done) {
          result = part.value;
          return result;
        }
        yield part.value;
      }
    } finally {
      parts.return(undefined as T);
      this.#leave(scope, result);
    }
  }

  /** Gives back what a scope made, but for what is in its result. */
  #leave(scope: Set<Tensor>, result: unknown): void {
    const kept = new Set<Tensor>();
    collect(result, kept);
    for (const tensor of scope) {
      if (kept.has(tensor)) this.track(tensor);
      else tensor.dispose();
    }
  }

  /**
   * Compiles the kernels that `work` needs, all at once and without blocking the program, so that the first call need not wait.
   * `work` runs with its uploads but without its kernels: its results have no values, and its tensors are given back.
   * @param work synchronous, such as `() => headLoss.evaluate(input)`
   * @param options `onProgress` is told how many of how many are compiled; not if all are already
   * @throws DeviceError that names a kernel which does not compile
   */
  async prepare(work: () => unknown, options: { onProgress?: (done: number, of: number) => void } = {}): Promise<void> {
    syncWork('work', work);
    PREPARE('options', options);
    const kernels = this.kernelsOf(() => this.tidy(() => void work()));
    await this.compile(kernels, options.onProgress);
  }

  /**
   * Measures the variants of the kernels in these workloads (`trainingWorkloads` makes those of a training step), checks that
   * they agree, and takes the fastest. On a device of `openDevice` in Node, the choices are kept for later ones, in a file in
   * the user's cache folder; in a browser, keep `device.choices`.
   * @throws DeviceError when a workload fails, or the file cannot be written
   */
  async tune(workloads: readonly Workload[], options: TuneOptions = {}): Promise<ChoiceReport[]> {
    const report = await tuneChoices(this, workloads, options);
    // As in adapter.ts, code for Node alone runs only where `process` exists.
    if (typeof process !== 'undefined' && this.adapter.kind !== 'browser' && this.adapter.kind !== 'adopted') {
      const { writeTuning } = await import('../gpu/tuningFile.js');
      this.tuningFile = await writeTuning(this.gpu, this.choices);
    }
    return report;
  }

  /** Takes a tensor out of every enclosing `tidy`: the caller disposes it. @throws InputError when it is none */
  keep<T extends Tensor>(tensor: T): T {
    assertTensor('tensor', tensor, { type: 'any', device: this });
    for (const scope of this.#scopes) scope.delete(tensor);
    return tensor;
  }
}

const PREPARE = options({ onProgress: optional(anyWork) });
const OPTIONS = options({ adapter: optional(text), tune: optional(flag), choices: optional(fields({})) });

/**
 * Opens an adapter and a device, with the choices that `device.tune` has kept for the adapter.
 * @throws DeviceError when there is none: it says what was looked for and how to get one
 * @throws InputError when the device cannot run one of the choices given
 */
export async function openDevice(options: OpenOptions = {}): Promise<Device> {
  OPTIONS('options', options);
  const { adapter = 'auto', tune = true, choices } = options;
  const found = await findAdapter(adapter);
  const gpu = await requestDevice(found);
  const { description, vendor, architecture } = found.adapter.info;
  const name = description || `${vendor} ${architecture}`.trim();
  const device = new Device(gpu, { name, kind: found.kind, source: found.source }, () => {
    gpu.destroy();
    found.release();
  });
  try {
    if (choices) device.setChoices(choices);
    else if (tune && found.kind !== 'browser') await useTuning(device);
  } catch (error) {
    await device.close();
    throw error;
  }
  return device;
}

async function useTuning(device: Device): Promise<void> {
  if (typeof process !== 'undefined') {
    const { readTuning } = await import('../gpu/tuningFile.js');
    const kept = await readTuning(device.gpu);
    if (!kept) return;
    device.setChoices(kept.choices);
    device.tuningFile = kept.file;
  }
}

function collect(value: unknown, into: Set<Tensor>): void {
  if (value instanceof Tensor) into.add(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into);
  else if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) collect(item, into);
  }
}
