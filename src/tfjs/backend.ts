import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend, getBackend, type Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { assertBindable } from '../tensor/bindable.js';
import type { Device } from '../tensor/device.js';
import { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';

/**
 * The WebGPU backend of TensorFlow.js.
 * @throws InputError when another backend is active
 */
export function webgpuBackend(): WebGPUBackend {
  if (getBackend() !== 'webgpu') {
    throw new InputError(
      `TensorFlow.js: its backend is ${getBackend()}; expected webgpu: await startTfjs(device), or tf.setBackend('webgpu').`,
    );
  }
  return backend() as WebGPUBackend;
}

/** Submits what TensorFlow.js has recorded, so that what is submitted next comes after it. */
export function flush(tfjs: WebGPUBackend): void {
  tfjs.ensureCommandEncoderReady();
  tfjs.endComputePassEncoder();
  tfjs.submitQueue();
}

/**
 * Views the buffer behind a tensor of TensorFlow.js, without a copy; it belongs to the tensor. (`dataToGPU` copies.)
 * @throws InputError when it is not float32, or larger than a kernel of the device can see
 */
export function viewOf(device: Device, tfjs: WebGPUBackend, name: string, { dataId, shape, dtype }: TfTensor): Tensor {
  if (dtype !== 'float32') throw new InputError(`${name}: elements of ${dtype}; expected float32.`);
  assertBindable(name, shape, device);
  // Values that came from the host and no kernel has used yet are not on the GPU.
  tfjs.uploadToGPU(dataId);
  return Tensor.borrow(device, tfjs.tensorMap.get(dataId).resource as GPUBuffer, shape);
}
