import { globals } from 'webgpu';
import { type AdapterPreference, findAdapter } from '../../../src/gpu/adapter.js';

/**
 * Makes `navigator.gpu` offer the adapter that edgewise opens for the same preference, through the same Dawn: what libraries
 * written for browsers look for. Call it before the library is imported; it can be called once, as an adapter gives one
 * device.
 * @returns the adapter's name
 * @throws DeviceError when there is no such adapter
 */
export async function offerAdapter(preference: AdapterPreference): Promise<string> {
  const { adapter, source } = await findAdapter(preference);
  // Interfaces (GPUBuffer and so on) that a browser has as globals.
  Object.assign(globalThis, globals);
  const gpu = {
    requestAdapter: async () => adapter,
    getPreferredCanvasFormat: () => 'rgba8unorm',
  };
  // Node 20 has no navigator, later ones have one without gpu that cannot be assigned to.
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'Node.js' },
    configurable: true,
  });
  return adapter.info.description || source;
}
