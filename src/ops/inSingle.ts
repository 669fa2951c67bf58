import { Variable } from '../autograd/variable.js';
import { storedAs } from './storedAs.js';

/**
 * An operation whose kernels take f32 alone, on inputs of which some may be stored in f16: these are widened before, and the result is
 * narrowed behind it.
 * @param operation a single one: its result's gradient is all that reads the inputs later
 */
export function inSingle(inputs: readonly Variable[], operation: (inputs: readonly Variable[]) => Variable): Variable {
  const isHalf = inputs.some(({ value }) => value.type === 'f16');
  if (!isHalf) return operation(inputs);
  const wide = inputs.map((input) => storedAs(input, 'f32'));
  const { value, parents, pullback } = operation(wide);
  // `backward` gives back those that a gradient goes through.
  const release = () => {
    for (const [i, own] of wide.entries()) if (own !== inputs[i] && !own.requiresGradient) own.value.dispose();
  };
  if (!pullback) {
    const output = storedAs(new Variable(value), 'f16');
    release();
    value.dispose();
    return output;
  }
  const result = Variable.from(value, parents, (incoming, sinkOf) => {
    const gradients = pullback(incoming, sinkOf);
    release();
    return gradients;
  });
  return storedAs(result, 'f16');
}
