import { kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { type DataType, type Device, Tensor } from './tensor.js';

/** What a tensor has to be. */
interface Expected {
  /** The one that it is used with. */
  device?: Device;
  /** Default f32. */
  type?: DataType | 'any';
}

/** Looks at one tensor. @throws InputError that names it and says how to come by one */
export function assertTensor(
  name: string,
  value: unknown,
  { device, type = 'f32' }: Expected = {},
): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new InputError(`${name}: ${kindOf(value)}; ${remedyOf(value)}`);
  if (value.disposed) {
    throw new InputError(`${name}: a tensor of shape [${value.shape}] that was disposed; keep it until its last use.`);
  }
  if (device && value.device.gpu !== device.gpu) {
    throw new InputError(`${name}: a tensor of another GPUDevice; a device reads its own buffers only.`);
  }
  if (type !== 'any' && value.type !== type) {
    throw new InputError(`${name}: elements of ${value.type}; expected ${type}.`);
  }
}

function remedyOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return 'expected a tensor, such as device.tensor(values, shape).';
  if ('range4' in value) {
    return 'it is of another copy of edgewise: import everything from one entry (in Node edgewise, not edgewise/web).';
  }
  if ('mapState' in value) return 'a buffer has no shape: Tensor.borrow(device, buffer, shape) gives it one.';
  if ('dataId' in value) return 'a tensor of TensorFlow.js goes to headLossOp of edgewise/tfjs.';
  if ('value' in value && value.value instanceof Tensor) return 'give its .value, the tensor of the variable.';
  if (ArrayBuffer.isView(value) || Array.isArray(value)) return 'upload it: device.tensor(values, shape).';
  if ('tensor' in value) return 'give its .tensor.';
  return 'expected a tensor, such as device.tensor(values, shape).';
}
