import { DeviceError, InputError } from '../util/error.js';
import { type AdapterPreference, type FoundAdapter, foundAdapter, isSoftware, nameOf } from './foundAdapter.js';
import { MATRIX_FEATURE, noteMatrices } from './matrices.js';

export type { AdapterPreference, FoundAdapter } from './foundAdapter.js';

const PREFERENCES: readonly AdapterPreference[] = ['auto', 'hardware', 'software', 'embedded'];

/** Limits that are asked for at the adapter's maximum; all others stay at WebGPU's guaranteed values. */
const RAISED_LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage',
] as const;

const WANTED_FEATURES = ['timestamp-query', 'subgroups', 'shader-f16', MATRIX_FEATURE] as const;

/**
 * Finds a WebGPU adapter: `navigator.gpu` in a browser, Dawn (npm `webgpu`) in Node.
 * The environment variable `EDGEWISE_ADAPTER` overrides `auto`.
 *
 * @throws InputError when the preference, or `EDGEWISE_ADAPTER`, is not one of the four words
 * @throws DeviceError when there is none: what was looked for, what each attempt said, and how to get one
 */
export async function findAdapter(preference: AdapterPreference = 'auto'): Promise<FoundAdapter> {
  checkPreference('adapter', preference);
  // The bundle for browsers is built without `process`: this branch, with Dawn, is not in it.
  if (typeof process !== 'undefined' && process.versions?.node !== undefined) {
    const { findNodeAdapter } = await import('./dawn.js');
    return findNodeAdapter(preference === 'auto' ? preferenceOfEnvironment() : preference);
  }
  return browserAdapter(preference);
}

/**
 * Requests a device with the adapter's largest compute limits, and with timestamp queries, subgroups, f16 and subgroup matrices where
 * the adapter has them (`device.features` tells). An adapter gives one device only: find another for a second one.
 *
 * @throws DeviceError when the adapter refuses
 */
export async function requestDevice(found: FoundAdapter): Promise<GPUDevice> {
  const { adapter } = found;
  const requiredLimits = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
  const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name));
  try {
    const device = await adapter.requestDevice({ label: 'edgewise', requiredLimits, requiredFeatures });
    noteMatrices(device, adapter.info);
    return device;
  } catch (cause) {
    throw new DeviceError(`The ${found.kind} adapter (${found.source}) gave no device: ${(cause as Error).message}`, {
      cause,
    });
  }
}

async function browserAdapter(preference: AdapterPreference): Promise<FoundAdapter> {
  if (preference === 'embedded') {
    throw new InputError("adapter is 'embedded', which exists in Node only; in a browser use 'auto'");
  }
  const gpu = typeof navigator === 'undefined' ? undefined : navigator.gpu;
  // Node has a navigator, too.
  if (!gpu && !('window' in globalThis) && !('WorkerGlobalScope' in globalThis)) {
    throw new DeviceError(
      'There is no WebGPU here (navigator.gpu is missing): this is no browser, but edgewise was built for one. Where pages are ' +
        "rendered on a server first, open the device in the browser only; in a program for Node, import 'edgewise'.",
    );
  }
  if (!gpu) {
    throw new DeviceError(
      'This browser has no WebGPU (navigator.gpu is missing). Use a browser that has it, over https or on localhost.',
    );
  }
  const adapter = await gpu.requestAdapter(
    preference === 'software' ? { forceFallbackAdapter: true } : { powerPreference: 'high-performance' },
  );
  if (!adapter || (preference === 'hardware' && isSoftware(adapter.info))) {
    throw new DeviceError(
      `The browser's WebGPU offers no ${preference === 'auto' ? '' : `${preference} `}adapter ` +
        `(navigator.gpu.requestAdapter gave ${adapter ? nameOf(adapter.info) : 'null'}). ` +
        `Allow hardware acceleration in the browser's settings${preference === 'auto' ? '' : ", or ask for 'auto'"}.`,
    );
  }
  return foundAdapter(gpu, adapter, 'browser', `navigator.gpu: ${nameOf(adapter.info)}`);
}

function preferenceOfEnvironment(): AdapterPreference {
  const value = process.env.EDGEWISE_ADAPTER;
  return value ? checkPreference('The environment variable EDGEWISE_ADAPTER', value) : 'auto';
}

function checkPreference(argument: string, value: string): AdapterPreference {
  const known = PREFERENCES.find((preference) => preference === value);
  if (!known) throw new InputError(`${argument} is '${value}'; expected one of ${PREFERENCES.join(', ')}`);
  return known;
}
