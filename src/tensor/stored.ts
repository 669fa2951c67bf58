import half from '../../shaders/tensor/stored_half.wgsl';
import single from '../../shaders/tensor/stored_single.wgsl';
import type { KernelDefinition } from '../gpu/launch.js';
import { DeviceError, InputError } from '../util/error.js';
import type { Device } from './device.js';
import type { DataType, Tensor } from './tensor.js';

/** What the elements of maps are stored in. Kernels compute in f32 either way. */
export type StoredType = 'f32' | 'f16';

/** @throws DeviceError where the adapter has no f16 */
export function assertStores({ gpu, adapter }: Device, precision: StoredType): void {
  if (precision === 'f32' || gpu.features.has('shader-f16')) return;
  throw new DeviceError(
    `precision: f16 needs the feature shader-f16, which the adapter ${adapter.name} lacks; take f32 (--precision f32), or another adapter.`,
  );
}

/** That of elements of a type: f16, or f32 for all others. */
export function storedType(type: DataType): StoredType {
  return type === 'f16' ? 'f16' : 'f32';
}

/**
 * A kernel over maps, whose source calls their elements `Stored` or `Stored4`.
 * @returns the kernel for maps of a type. It throws an InputError where they are of several types
 */
export function storedKernel({ name, source }: KernelDefinition): (...maps: readonly Tensor[]) => KernelDefinition {
  const kernels: Record<StoredType, KernelDefinition> = {
    f32: { name, source: [...single, ...source] },
    f16: { name: `${name}, f16`, source: [...half, ...source], half: true },
  };
  return (...maps) => {
    const [{ type }] = maps;
    if ((type === 'f32' || type === 'f16') && maps.every((map) => map.type === type)) return kernels[type];
    throw new InputError(
      `${name}: tensors of ${maps.map((map) => map.type).join(' and ')}; expected all of f32, or all of f16.`,
    );
  };
}

/** `storedKernel` of each form of kernels that `composed` makes. */
export function storedForms<Form extends string>(
  kernelOf: (form: Form) => KernelDefinition,
): (form: Form, ...maps: readonly Tensor[]) => KernelDefinition {
  const made = new Map<Form, ReturnType<typeof storedKernel>>();
  return (form, ...maps) => {
    let kernels = made.get(form);
    if (!kernels) {
      kernels = storedKernel(kernelOf(form));
      made.set(form, kernels);
    }
    return kernels(...maps);
  };
}
