import source from '../../shaders/ops/activation.wgsl';
import gradientSource from '../../shaders/ops/activation_gradient.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';

const FORWARD = storedKernel({ name: 'activation', source });
const BACKWARD = storedKernel({ name: 'activation_gradient', source: gradientSource });

/** max(x, 0), of any shape. The derivative at 0 is 0. */
export function relu<T extends Tensor>(input: Variable<T>): Variable<T> {
  return activation(input, 0);
}

/** x · σ(x), of any shape (Elfwing et al., 2018). */
export function silu<T extends Tensor>(input: Variable<T>): Variable<T> {
  return activation(input, 1);
}

function activation<T extends Tensor>(input: Variable<T>, SILU: 0 | 1): Variable<T> {
  const { value } = input;
  const { device, size } = value;
  const output = emptyLike(value);
  const params = { count: Math.ceil(size / 4) };
  const invocations = params.count;
  device.run({
    kernel: FORWARD(value),
    constants: { SILU },
    bindings: { input: value.range4, output: output.range4 },
    params,
    invocations,
  });
  return Variable.from(output, [input], (incoming) => {
    const gradient = emptyLike(value);
    device.run({
      kernel: BACKWARD(value, incoming),
      constants: { SILU },
      bindings: { input: value.range4, incoming: incoming.range4, gradient: gradient.range4 },
      params,
      invocations,
    });
    return [gradient];
  });
}
