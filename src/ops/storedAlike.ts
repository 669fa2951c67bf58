import type { Variable } from '../autograd/variable.js';
import type { StoredType } from '../tensor/stored.js';
import { storedAs } from './storedAs.js';

/**
 * An operation on inputs of one type: f16 where any is, to which the others are narrowed before.
 * @param operation does not read its inputs when gradients flow back
 */
export function storedAlike<R>(
  inputs: readonly Variable[],
  operation: (alike: readonly Variable[], type: StoredType) => R,
): R {
  const type = inputs.some(({ value }) => value.type === 'f16') ? 'f16' : 'f32';
  const alike = inputs.map((input) => storedAs(input, type));
  const result = operation(alike, type);
  // `backward` gives back those that a gradient goes through.
  for (const [i, own] of alike.entries()) if (own !== inputs[i] && !own.requiresGradient) own.value.dispose();
  return result;
}
