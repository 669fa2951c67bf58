import { Runtime } from '../gpu/runtime.js';
import { type Check, isPromise, kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';

/** A device of edgewise that is open. */
export const openedDevice: Check = (name, value) => {
  if (value instanceof Runtime) {
    if (value.closed) throw new InputError(`${name}: it is closed; open another with openDevice().`);
    return;
  }
  throw new InputError(`${name}: ${kindOf(value)}; ${remedyOf(value)}`);
};

function remedyOf(value: unknown): string {
  if (isPromise(value)) return 'expected what await openDevice() gives.';
  if (isGpuDevice(value)) return 'give Device.adopt(gpuDevice), made once, or what openDevice() gives.';
  if (has(value, 'pool') && has(value, 'gpu')) {
    return 'it is of another copy of edgewise: import everything from one entry (in Node edgewise, not edgewise/web).';
  }
  return 'expected a device of edgewise: await openDevice(), or Device.adopt(gpuDevice).';
}

/** Whether it is a GPUDevice, of any implementation of WebGPU. */
function isGpuDevice(value: unknown): value is GPUDevice {
  return has(value, 'createBuffer') && has(value, 'queue') && has(value, 'limits');
}

/** What `Device.adopt` takes. @throws InputError that says how to come by one */
export function assertGpuDevice(value: unknown): asserts value is GPUDevice {
  if (isGpuDevice(value)) return;
  const remedy = isPromise(value)
    ? 'expected a GPUDevice.'
    : value instanceof Runtime
      ? 'it is a device of edgewise already: use it as it is.'
      : has(value, 'requestDevice')
        ? 'an adapter gives a device: Device.adopt(await adapter.requestDevice()).'
        : has(value, 'requestAdapter')
          ? 'it gives an adapter, which gives a device: await (await navigator.gpu.requestAdapter()).requestDevice().'
          : 'expected a GPUDevice; openDevice() opens one by itself.';
  throw new InputError(`gpu: ${kindOf(value)}; ${remedy}`);
}

/** Looks at prototypes, too, where WebGPU's objects have their members. */
function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && key in value;
}
