import narrowSource from '../../shaders/ops/narrow.wgsl';
import widenSource from '../../shaders/ops/widen.wgsl';
import { Variable } from '../autograd/variable.js';
import { Pyramid } from '../tensor/pyramid.js';
import { type StoredType, storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';

const NARROW = storedKernel({ name: 'narrow', source: narrowSource });
const WIDEN = storedKernel({ name: 'widen', source: widenSource });

/**
 * The same maps with elements of a type, f16 rounded to 11 bits; its gradient is stored in the type of the input. Maps of the type are
 * given back as they are.
 */
export function storedAs(input: Variable<Pyramid>, type: StoredType): Variable<Pyramid> {
  const { value } = input;
  if (value.type === type) return input;
  return Variable.from(converted(value, value, type), [input], (incoming) => [
    converted(value, incoming, type === 'f16' ? 'f32' : 'f16'),
  ]);
}

/** `values`, laid out as `model`, in a type that is not theirs. */
function converted({ device, batch, channels, levels }: Pyramid, values: Tensor, type: StoredType): Pyramid {
  const output = Pyramid.empty(device, batch, channels, levels, type);
  const count = Math.ceil(values.size / 4);
  device.run({
    ...(type === 'f16'
      ? { kernel: NARROW(output), bindings: { values: values.range4, stored: output.range4 } }
      : { kernel: WIDEN(values), bindings: { stored: values.range4, values: output.range4 } }),
    params: { count },
    invocations: count,
  });
  return output;
}
