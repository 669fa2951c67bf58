import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { takeGpu } from '../../src/gpu/ownGpu.js';

const VARIABLES = ['DRI_PRIME', 'MESA_VK_DEVICE_SELECT', 'MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE'];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-gpus-'));
});
afterEach(() => {
  for (const name of VARIABLES) delete process.env[name];
});
afterAll(() => rm(root, { recursive: true }));

/** A folder as Linux lists PCI devices: address, class, vendor. */
async function devices(name: string, list: [address: string, kind: string, vendor: string][]): Promise<string> {
  for (const [address, kind, vendor] of list) {
    await mkdir(join(root, name, address), { recursive: true });
    await writeFile(join(root, name, address, 'class'), `${kind}\n`);
    await writeFile(join(root, name, address, 'vendor'), `${vendor}\n`);
  }
  return join(root, name);
}

test('ranks of a machine take its GPUs in turn, and not its own screen, nor its network', async () => {
  const two = await devices('two', [
    ['0000:02:00.0', '0x030000', '0x1a03'], // a server's screen
    ['0000:81:00.0', '0x030200', '0x10de'],
    ['0000:41:00.1', '0x030000', '0x1002'],
    ['0000:03:00.0', '0x020000', '0x8086'],
  ]);
  expect(await takeGpu(0, two)).toBe('0000:41:00.1');
  expect(process.env.DRI_PRIME).toBe('pci-0000_41_00_1');
  expect(process.env.MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE).toBe('1');
  delete process.env.DRI_PRIME;
  expect(await takeGpu(1, two)).toBe('0000:81:00.0');
  delete process.env.DRI_PRIME;
  expect(await takeGpu(2, two)).toBe('0000:41:00.1');
  // The user's own choice stays.
  process.env.DRI_PRIME = '1';
  expect(await takeGpu(1, two)).toBeNull();
  expect(process.env.DRI_PRIME).toBe('1');
});

test('with fewer than two there is nothing to choose', async () => {
  expect(await takeGpu(1, await devices('one', [['0000:01:00.0', '0x030000', '0x10de']]))).toBeNull();
  expect(await takeGpu(1, join(root, 'missing'))).toBeNull();
  expect(VARIABLES.filter((name) => process.env[name] !== undefined)).toEqual([]);
});
