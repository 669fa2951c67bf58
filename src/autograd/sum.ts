import accumulateSource from '../../shaders/autograd/accumulate.wgsl';
import addSource from '../../shaders/autograd/add.wgsl';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';

const ADD = { name: 'add', source: addSource };
const ACCUMULATE = { name: 'accumulate', source: accumulateSource };

/** A new tensor like `model`: of its shape and, for a pyramid, of its levels; undefined content. */
export function emptyLike<T extends Tensor>(model: T): T {
  // The two classes are the only ones, so the result has the type of the model.
  return (
    model instanceof Pyramid
      ? Pyramid.empty(model.device, model.batch, model.channels, model.levels)
      : model.device.empty(model.shape, model.type)
  ) as T;
}

/** left + right, a new tensor. @throws InputError when the sizes differ */
export function addTensors<T extends Tensor>(left: T, right: Tensor): T {
  assertSameSize(left, right);
  const total = emptyLike(left);
  const count = Math.ceil(left.size / 4);
  left.device.run({
    kernel: ADD,
    bindings: { left: left.range4, right: right.range4, total: total.range4 },
    params: { count },
    invocations: count,
  });
  return total;
}

/** total += addend. @throws InputError when the sizes differ */
export function accumulate(total: Tensor, addend: Tensor): void {
  assertSameSize(total, addend);
  total.device.run({
    kernel: ACCUMULATE,
    bindings: { addend: addend.range4, total: total.range4 },
    params: { size: total.size },
    invocations: Math.ceil(total.size / 4),
  });
}

function assertSameSize(left: Tensor, right: Tensor): void {
  if (left.size !== right.size) {
    throw new InputError(`add: shapes [${left.shape}] and [${right.shape}] differ; only equal shapes are added.`);
  }
}
