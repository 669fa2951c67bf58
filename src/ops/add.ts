import { addTensors } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';

/** left + right, element by element. @throws InputError when the sizes differ */
export function add<T extends Tensor>(left: Variable<T>, right: Variable<T>): Variable<T> {
  return Variable.from(addTensors(left.value, right.value), [left, right], (incoming) => [incoming, incoming]);
}
