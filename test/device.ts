import { findAdapter } from '../src/gpu/adapter.js';
import { gpuChoices } from '../src/gpu/choices.js';
import { Device, openDevice } from '../src/tensor/device.js';

/** EDGEWISE_VARIANTS=gpu: tests run a GPU's default variants of kernels on any adapter, but where they choose themselves. */
const isGpu = globalThis.process?.env.EDGEWISE_VARIANTS === 'gpu'; // no process in a browser

/** Kept as it is: test/cli/cli.ts replaces it for the commands. */
const open = openDevice;

let shared: Promise<Device> | undefined;
let bare: Promise<Device> | undefined;

/**
 * The one device of a test process: its kernels are compiled once for all test files. Its `close` waits and reports errors, but
 * leaves it open. A test that loses a device, or needs one of its own, opens it with `openDevice`.
 */
export function sharedDevice(): Promise<Device> {
  shared ??= open({ tune: false }).then((device) => {
    device.close = () => device.settled();
    if (isGpu) preferGpu(device);
    return device;
  });
  return shared;
}

/** Likewise one that was asked for nothing: without subgroups, so that kernels have other variants. */
export function bareDevice(): Promise<Device> {
  bare ??= openBare();
  return bare;
}

async function openBare(): Promise<Device> {
  const found = await findAdapter();
  const gpu = await found.adapter.requestDevice();
  const device = new Device(gpu, { name: 'without subgroups', kind: 'adopted', source: 'test' });
  device.close = () => device.settled();
  return device;
}

function preferGpu(device: Device): void {
  const choose = device.setChoices.bind(device);
  device.setChoices = (given) => choose({ ...gpuChoices(device.gpu), ...given });
  device.setChoices({});
}
