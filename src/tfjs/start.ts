import { getBackend, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { Device } from '../tensor/device.js';
import { DeviceError, InputError } from '../util/error.js';
import { webgpuBackend } from './backend.js';

/** What the backend takes from the global scope, as in a browser. */
const INTERFACES = ['GPUBuffer', 'GPUTexture', 'GPUBufferUsage', 'GPUTextureUsage', 'GPUMapMode', 'GPUShaderStage'];

/**
 * Starts the WebGPU backend of TensorFlow.js on a device of edgewise and makes it the active one, in a browser or in Node,
 * where WebGPU's interfaces and `navigator.gpu` become globals. `tf.removeBackend('webgpu')` ends it; close the device after.
 * @throws InputError when TensorFlow.js runs on WebGPU already: `adoptTfjs` takes its device
 * @throws DeviceError when the backend does not start
 */
export async function startTfjs(device: Device): Promise<void> {
  if (getBackend() === 'webgpu') {
    throw new InputError('startTfjs: TensorFlow.js runs on WebGPU already; take its device with adoptTfjs().');
  }
  // The bundle for browsers is built without `process`: this branch, with Dawn, is not in it.
  if (typeof process !== 'undefined' && process.versions?.node !== undefined) {
    const { globals } = await import('webgpu');
    provideGlobals(globals as Record<string, unknown>);
  }
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  // Importing it has registered a factory that asks for a device of its own.
  removeBackend('webgpu');
  registerBackend('webgpu', () => new WebGPUBackend(device.gpu, device.gpu.adapterInfo), 3);
  if (!(await setBackend('webgpu'))) throw new DeviceError('The WebGPU backend of TensorFlow.js did not start.');
}

/**
 * The device that the WebGPU backend of TensorFlow.js runs on. Call it once: tensors can be shared only within one `Device`.
 * @throws InputError when another backend is active
 */
export function adoptTfjs(): Device {
  return Device.adopt(webgpuBackend().device);
}

function provideGlobals(globals: Record<string, unknown>): void {
  for (const name of INTERFACES) {
    if (!(name in globalThis)) Object.assign(globalThis, { [name]: globals[name] });
  }
  // Node 20 has no navigator, later ones have one without gpu.
  if (!('navigator' in globalThis)) Object.assign(globalThis, { navigator: { userAgent: 'Node.js' } });
  if (!navigator.gpu) Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => null } });
}
