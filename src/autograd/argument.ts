import type { Device } from '../tensor/device.js';
import { assertPyramid, type Pyramid } from '../tensor/pyramid.js';
import { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { Variable } from './variable.js';

/** @throws InputError when it is no variable, or one whose value was disposed or lies on another GPUDevice */
export function assertVariable(name: string, value: unknown, device?: Device): asserts value is Variable {
  if (!(value instanceof Variable)) {
    const remedy =
      value instanceof Tensor
        ? `a tensor of shape [${value.shape}]; give new Variable(tensor), or new Variable(tensor, true) where it learns`
        : `${kindOf(value)}; expected a Variable: new Variable(tensor, true)`;
    throw new InputError(`${name}: ${remedy}.`);
  }
  assertTensor(name, value.value, { type: 'any', ...(device && { device }) });
}

/** The same of maps of several levels. */
export function assertMapVariable(name: string, value: unknown): asserts value is Variable<Pyramid> {
  assertVariable(name, value);
  assertPyramid(name, value.value);
}
