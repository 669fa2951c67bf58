import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from './native.js';

/** Linux's list of PCI devices. */
const DEVICES = '/sys/bus/pci/devices';
/** Display controllers that compute: NVIDIA's, AMD's, Intel's; not a server's own screen. */
const VENDORS = ['0x10de', '0x1002', '0x8086'];
const DISPLAY = /^0x03/;
/** What the user may have chosen by. */
const CHOICES = ['DRI_PRIME', 'MESA_VK_DEVICE_SELECT'] as const;

/**
 * Makes one of a machine's GPUs the only one that this process finds, before it looks for an adapter: WebGPU itself always takes the same.
 * It goes through Mesa's Vulkan layer `VK_LAYER_MESA_device_select`, which Linux distributions install with their drivers and which serves
 * all vendors' GPUs. Nothing is done where there are fewer than two, or the user has chosen (`DRI_PRIME`).
 * @param index which, modulo their number, in the order of their PCI addresses
 * @returns the PCI address; null where nothing is done
 */
export async function takeGpu(index: number, devices = DEVICES): Promise<string | null> {
  if (CHOICES.some((name) => process.env[name])) return null;
  const found = gpuAddresses(devices);
  if (found.length < 2) return null;
  const address = found[index % found.length];
  const setVariable = await environment();
  setVariable('DRI_PRIME', `pci-${address.replace(/[:.]/g, '_')}`);
  setVariable('MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE', '1');
  return address;
}

function gpuAddresses(devices: string): string[] {
  const read = (address: string, file: string) => readFileSync(join(devices, address, file), 'utf8').trim();
  try {
    return readdirSync(devices)
      .filter((address) => DISPLAY.test(read(address, 'class')) && VENDORS.includes(read(address, 'vendor')))
      .sort();
  } catch {
    return []; // Not Linux, or hidden from a container.
  }
}
