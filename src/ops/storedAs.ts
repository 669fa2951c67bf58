import narrowSource from '../../shaders/ops/narrow.wgsl';
import widenSource from '../../shaders/ops/widen.wgsl';
import { emptyAs } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { type StoredType, storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';

const NARROW = storedKernel({ name: 'narrow', source: narrowSource });
const WIDEN = storedKernel({ name: 'widen', source: widenSource });

/**
 * The same values with elements of a type, f16 rounded to 11 bits; the gradient is stored in the type of the input. Values of the type are
 * given back as they are.
 */
export function storedAs<T extends Tensor>(input: Variable<T>, type: StoredType): Variable<T> {
  const { value } = input;
  if (value.type === type) return input;
  return Variable.from(converted(value, value, type), [input], (incoming) => [
    converted(value, incoming, type === 'f16' ? 'f32' : 'f16'),
  ]);
}

/** `values`, laid out as `model`, in a type that is not theirs. */
function converted<T extends Tensor>(model: T, values: Tensor, type: StoredType): T {
  const output = emptyAs(model, type);
  const count = Math.ceil(values.size / 4);
  model.device.run({
    ...(type === 'f16'
      ? { kernel: NARROW(output), bindings: { values: values.range4, stored: output.range4 } }
      : { kernel: WIDEN(values), bindings: { stored: values.range4, values: output.range4 } }),
    params: { count },
    invocations: count,
  });
  return output;
}
