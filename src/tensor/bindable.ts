import type { Runtime } from '../gpu/runtime.js';
import { InputError } from '../util/error.js';
import { bytesOf, type DataType } from './dataType.js';

/**
 * Checks that kernels can see a whole tensor.
 * @throws InputError that names the limit, the largest first dimension that fits, and the remedy
 */
export function assertBindable(
  name: string,
  shape: readonly number[],
  { largestBinding }: Runtime,
  type: DataType = 'f32',
): void {
  const needed = bytesOf(
    shape.reduce((product, extent) => product * extent, 1),
    type,
  );
  const { bytes, limit } = largestBinding;
  if (needed <= bytes) return;
  const [first = 1, ...others] = shape;
  const fitting = Math.floor((bytes * first) / needed);
  const most = fitting > 0 ? `[${[fitting, ...others]}] would fit` : 'no part of its first dimension fits';
  throw new InputError(
    `${name}: shape [${shape}] takes ${needed} bytes; a kernel of this device sees ${bytes} (${limit}). ${most}: make the batch or the images smaller, or take a device with a higher limit (Device.adopt: request it with the adapter's).`,
  );
}
