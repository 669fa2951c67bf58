import type { Variable } from '../autograd/variable.js';
import { storedAs } from './storedAs.js';

/**
 * An operation whose kernels take f32 alone, on inputs of which some may be stored in f16: these are widened before, and the result is
 * narrowed behind it.
 */
export function inSingle(inputs: readonly Variable[], operation: (inputs: readonly Variable[]) => Variable): Variable {
  const isHalf = inputs.some(({ value }) => value.type === 'f16');
  if (!isHalf) return operation(inputs);
  const wide = inputs.map((input) => storedAs(input, 'f32'));
  const result = operation(wide);
  const output = storedAs(result, 'f16');
  // Where no gradient goes through them, nothing else holds them.
  if (!output.requiresGradient) {
    for (const [i, { value }] of wide.entries()) if (value !== inputs[i].value) value.dispose();
    result.value.dispose();
  }
  return output;
}
