import { isBuffer } from '../gpu/argument.js';
import type { BufferRange } from '../gpu/launch.js';
import { kindOf, numbers, oneOf, refuse } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertBindable } from './bindable.js';
import { BYTES, bytesOf, type DataType } from './dataType.js';
import type { Device } from './device.js';
import { openedDevice } from './deviceArgument.js';

// Device makes tensors, and a tensor knows its device: the one circle of types (.dependency-cruiser.cjs). Others take it from here.
export type { DataType, Device };
/** Elements on the host, of the array that belongs to the type. */
export type Values = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

const ARRAYS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** How a tensor lies in its buffer. */
export interface TensorPlacement {
  /** With the usage STORAGE. */
  buffer: GPUBuffer;
  /** Byte offset; a multiple of the device's `minStorageBufferOffsetAlignment`. */
  offset: number;
  /** Row-major. */
  shape: readonly number[];
  /** Of the elements. */
  type: DataType;
  /** `pooled`: goes back to the pool; `borrowed`: the buffer belongs to somebody else or to another tensor. */
  ownership: 'pooled' | 'borrowed';
}

/** A typed view of a GPU buffer: row-major, dense. */
export class Tensor {
  /** Where it is, and where everything computed from it will be. */
  readonly device: Device;
  /** The memory; a pooled one may be longer than the tensor. */
  readonly buffer: GPUBuffer;
  /** Bytes from the start of the buffer. */
  readonly offset: number;
  /** Row-major, the last dimension contiguous; [] is a scalar. */
  readonly shape: readonly number[];
  /** Of the elements. */
  readonly type: DataType;
  /** Number of elements: the product of the shape. */
  readonly size: number;
  #ownership: TensorPlacement['ownership'];
  #disposed = false;

  /** Use `device.tensor`, `device.empty`, `tensor.view` or `Tensor.borrow`. */
  constructor(device: Device, { buffer, offset, shape, type, ownership }: TensorPlacement) {
    this.device = device;
    this.buffer = buffer;
    this.offset = offset;
    this.shape = shape;
    this.type = type;
    this.size = sizeOf(shape);
    this.#ownership = ownership;
  }

  /**
   * Views a buffer that somebody else owns; `dispose` leaves it alone.
   * @param offset bytes; a multiple of the device's storage offset alignment
   * @throws InputError when the offset is not aligned, or the buffer is too small, is mapped or lacks the usage STORAGE
   */
  static borrow(
    device: Device,
    buffer: GPUBuffer,
    shape: readonly number[],
    offset = 0,
    type: DataType = 'f32',
  ): Tensor {
    openedDevice('device', device);
    dataType('type', type);
    assertRange(device, buffer, { shape, offset, type });
    return new Tensor(device, { buffer, offset, shape: [...shape], type, ownership: 'borrowed' });
  }

  /** What a kernel binds. */
  get range(): BufferRange {
    if (this.#disposed)
      throw new InputError(`tensor of shape [${this.shape}]: it was disposed; keep it alive until its last use.`);
    const { buffer, offset, size, type } = this;
    return { buffer, offset, size: Math.max(4, bytesOf(size, type)), ...(type === 'f16' && { half: true }) };
  }

  /**
   * The range as whole `vec4`s, for kernels that take four elements at once: up to three elements of padding follow.
   * @throws InputError when the buffer ends before the padding (never for pooled tensors)
   */
  get range4(): BufferRange {
    const range = this.range;
    const size = bytesOf(4 * Math.max(1, Math.ceil(this.size / 4)), this.type);
    if (range.offset + size > this.buffer.size) {
      throw new InputError(
        `tensor of shape [${this.shape}]: its borrowed buffer has ${this.buffer.size} bytes; this kernel reads four elements at once: make it ${range.offset + size} bytes.`,
      );
    }
    return { ...range, size };
  }

  /** Of its elements, in whole words. */
  get bytes(): number {
    return bytesOf(this.size, this.type);
  }

  /** Whether its buffer belongs to no other tensor and to nobody outside. */
  get pooled(): boolean {
    return this.#ownership === 'pooled';
  }

  /** Whether `dispose` was called. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * The same memory under another shape, from `start` elements on. The view does not own the memory.
   * @throws InputError when it does not lie inside this tensor or its start is not aligned
   */
  view(shape: readonly number[], start = 0): Tensor {
    assertShape('shape', shape);
    if (!Number.isSafeInteger(start) || start < 0) refuse('start', start, 'a whole number of elements, 0 or more');
    if (start + sizeOf(shape) > this.size) {
      throw new InputError(
        `view: shape [${shape}] from element ${start} ends beyond the tensor's ${this.size} elements.`,
      );
    }
    return Tensor.borrow(this.device, this.range.buffer, shape, this.offset + BYTES[this.type] * start, this.type);
  }

  /**
   * Copies the values to the host; submits what was recorded before and waits for it.
   * @throws DeviceError the first error since the last report; it names the kernel
   * @throws InputError when it was disposed, or the device is closed
   */
  async read(): Promise<Values> {
    const Values = arrayOf(this.type);
    if (this.size === 0) return new Values(0);
    const { buffer, offset } = this.range;
    return new Values(await this.device.read({ buffer, offset, size: this.bytes }));
  }

  /** Copies values from the host. @throws InputError when there are not exactly `size` of them */
  write(values: ArrayLike<number>): void {
    numbers('values', values);
    if (values.length !== this.size) {
      throw new InputError(`write: ${values.length} values for a tensor of shape [${this.shape}] (${this.size}).`);
    }
    if (this.size > 0) this.device.write(this.range.buffer, this.offset, toArray(values, this.type));
  }

  /** Gives pooled memory back. The tensor must not be used afterwards; disposing twice does nothing. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#ownership === 'pooled' && !this.device.closed) this.device.pool.give(this.buffer);
  }
}

/** Types of elements. */
export const dataType = oneOf('f32', 'i32', 'u32', 'f16');

/** @throws InputError when it is no list of non-negative integers */
export function assertShape(name: string, shape: unknown): asserts shape is readonly number[] {
  if (Array.isArray(shape) && shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) return;
  throw new InputError(
    `${name}: ${Array.isArray(shape) ? `[${shape}]` : kindOf(shape)} is not a list of non-negative integers.`,
  );
}

/** @throws InputError when `shape` from `offset` on is not a bindable range of `buffer` */
function assertRange(
  device: Device,
  buffer: GPUBuffer,
  { shape, offset, type }: Pick<TensorPlacement, 'shape' | 'offset' | 'type'>,
): void {
  assertBuffer(buffer);
  assertShape('shape', shape);
  const alignment = device.gpu.limits.minStorageBufferOffsetAlignment;
  const bytes = bytesOf(sizeOf(shape), type);
  if (!Number.isSafeInteger(offset) || offset < 0) refuse('offset', offset, 'a whole number of bytes, 0 or more');
  if (offset % alignment !== 0) {
    throw new InputError(
      `offset: ${offset} bytes is not a multiple of ${alignment}, which this device needs; align it, or give the offset in the LogitLayout.`,
    );
  }
  if (offset + bytes > buffer.size) {
    throw new InputError(
      `buffer: it has ${buffer.size} bytes; shape [${shape}] at offset ${offset} needs ${offset + bytes}.`,
    );
  }
  if (!(buffer.usage & 0x80)) {
    throw new InputError('buffer: it lacks the usage STORAGE; create it with GPUBufferUsage.STORAGE.');
  }
  if (buffer.mapState !== 'unmapped') {
    throw new InputError('buffer: it is mapped; call unmap() before a kernel uses it.');
  }
  assertBindable('buffer', shape, device, type);
}

/** @throws InputError where something else is given in place of WebGPU's own buffer */
function assertBuffer(buffer: unknown): asserts buffer is GPUBuffer {
  if (buffer instanceof Tensor) throw new InputError('buffer: a tensor; give its .buffer, or tensor.view(shape).');
  if (!isBuffer(buffer))
    refuse('buffer', buffer, 'a GPUBuffer with the usage STORAGE; device.tensor(values) uploads numbers');
}

/** @throws InputError for f16, which the host does not read or write */
function arrayOf(type: DataType) {
  if (type !== 'f16') return ARRAYS[type];
  throw new InputError('tensor: elements of f16 stay on the GPU; storedAs gives them as f32.');
}

/**
 * The values as the type's typed array; not copied if they are one already.
 * @throws InputError for a number that the type does not hold
 */
export function toArray(values: ArrayLike<number>, type: DataType): Values {
  const array = arrayOf(type);
  if (values instanceof array && values.buffer instanceof ArrayBuffer) return values as Values;
  const converted = array.from(values);
  if (type !== 'f32') {
    for (let i = 0; i < converted.length; i++) {
      if (converted[i] === values[i]) continue;
      throw new InputError(`values: entry ${i} is ${values[i]}; a tensor of ${type} does not hold it.`);
    }
  }
  return converted;
}
