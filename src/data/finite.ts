import { InputError } from '../util/error.js';
import type { StoredTensor } from './safetensors.js';

/** Bits of the exponent of 16-bit floats: all of them set mean NaN or infinity. */
const EXPONENT = { F16: 0x7c00, BF16: 0x7f80 };

/** As much of a tensor as is looked at. */
interface Values {
  dtype?: StoredTensor['dtype'];
  data: StoredTensor['data'] | Float32Array;
}

/**
 * Weights have to be finite: one NaN in them makes every output NaN, and every figure wrong.
 * @param name of the file, or of what was given
 * @throws InputError that names the tensor, the element and what it is
 */
export function assertFinite(name: string, tensors: Iterable<readonly [string, Values]>): void {
  for (const [tensor, { dtype, data }] of tensors) {
    const at = firstNonFinite(data, dtype);
    if (at === -1) continue;
    const value = dtype === 'F16' || dtype === 'BF16' ? 'NaN or infinite' : String(data[at]);
    throw new InputError(
      `${name}: ${tensor}[${at}] is ${value}; weights are finite. Give others: an earlier checkpoint, or those of a training with a lower learning rate.`,
    );
  }
}

/** Index of the first element that is NaN or infinite; −1 where there is none. */
function firstNonFinite(data: Values['data'], dtype: Values['dtype']): number {
  if (data instanceof Float32Array || data instanceof Float64Array) {
    return data.findIndex((value) => !Number.isFinite(value));
  }
  if (data instanceof Uint16Array && (dtype === 'F16' || dtype === 'BF16')) {
    const exponent = EXPONENT[dtype];
    return data.findIndex((bits) => (bits & exponent) === exponent);
  }
  return -1; // integers
}
