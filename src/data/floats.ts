import { InputError } from '../util/error.js';
import { floatsOfHalves } from '../util/half.js';
import type { StoredTensor } from './safetensors.js';

/**
 * A stored tensor's values as F32; half floats are widened, which is exact.
 * @param name of file and tensor, for the message
 * @throws InputError for another type
 */
export function floatsOf({ dtype, data }: StoredTensor, name: string): Float32Array<ArrayBuffer> {
  if (dtype === 'F32') return data as Float32Array<ArrayBuffer>;
  if (dtype === 'F16') return floatsOfHalves(data);
  throw new InputError(`${name} is of type ${dtype}; convert the weights to F32 or F16.`);
}
