import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';

const ones = new WeakMap<Device, Tensor>();

/**
 * One element, 1, that lives as long as the device: the gradient that a backward pass starts with, recognised by its
 * identity, and the default of weights and factors.
 */
export function one(device: Device): Tensor {
  let tensor = ones.get(device);
  if (!tensor) {
    tensor = device.keep(device.tensor([1]));
    ones.set(device, tensor);
  }
  return tensor;
}
