import accumulateSource from '../../shaders/autograd/accumulate.wgsl';
import addSource from '../../shaders/autograd/add.wgsl';
import { type LevelSize, Pyramid } from '../tensor/pyramid.js';
import { storedKernel, storedType } from '../tensor/stored.js';
import type { DataType, Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';

const ADD = storedKernel({ name: 'add', source: addSource });
const ACCUMULATE = { name: 'accumulate', source: accumulateSource };

/** A new tensor like `model`: of its shape and, for a pyramid, of its levels; undefined content. */
export function emptyLike<T extends Tensor>(model: T): T {
  return emptyAs(model, model.type);
}

/** Likewise with elements of a type; a pyramid's is f16 or f32. */
export function emptyAs<T extends Tensor>(model: T, type: DataType): T {
  const { device, shape } = model;
  // The two classes are the only ones, so the result has the type of the model.
  return (
    model instanceof Pyramid
      ? Pyramid.empty(device, model.batch, model.channels, model.levels, storedType(type))
      : device.empty(shape, type)
  ) as T;
}

/** A new pyramid of the images and the type of `model`; undefined content. */
export function emptyMaps(model: Pyramid, channels: number, sizes: readonly LevelSize[]): Pyramid {
  return Pyramid.empty(model.device, model.batch, channels, sizes, storedType(model.type));
}

/** A new tensor with the values of another. */
export function copyOf<T extends Tensor>(tensor: T): T {
  const copy = emptyLike(tensor);
  if (tensor.size > 0) tensor.device.copy(tensor.range.buffer, tensor.offset, copy.buffer, copy.offset, tensor.bytes);
  return copy;
}

/** left + right, a new tensor. @throws InputError when the sizes differ */
export function addTensors<T extends Tensor>(left: T, right: Tensor): T {
  assertSameSize(left, right);
  const total = emptyLike(left);
  const count = Math.ceil(left.size / 4);
  left.device.run({
    kernel: ADD(left, right),
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
