import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AdapterPreference } from '../../src/gpu/adapter.js';

/** The order of the search, on machines that do not exist: Dawn answers by the drivers that it is shown. */

const GPU = { architecture: 'rdna-3', device: '', description: 'radv: Mesa 25', isFallbackAdapter: false };
const LLVMPIPE = { architecture: 'software', device: '', description: 'llvmpipe: Mesa 25', isFallbackAdapter: true };
const SWIFTSHADER = { ...LLVMPIPE, architecture: 'swiftshader', description: 'SwiftShader driver 5.0.0' };
const EMBEDDED = '/cache/vk_swiftshader_icd.json';

/** What Dawn finds with all drivers of the system (''), or with one manifest alone. */
let answers: Record<string, object | undefined>;
let folder: string;
let lavapipe: string;
const create = vi.fn((_options: string[]) => ({
  requestAdapter: async () => {
    const info = answers[process.env.VK_DRIVER_FILES ?? ''];
    return info ? { info } : null;
  },
}));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgewise-test-'));
  lavapipe = join(folder, 'vulkan/icd.d/lvp_icd.x86_64.json');
  mkdirSync(join(folder, 'vulkan/icd.d'), { recursive: true });
  writeFileSync(lavapipe, '{}');
  vi.stubEnv('XDG_CONFIG_HOME', folder);
  vi.stubEnv('VK_DRIVER_FILES', undefined);
  vi.stubEnv('VK_ICD_FILENAMES', undefined);
  vi.spyOn(process, 'dlopen').mockImplementation(() => {
    throw new Error('Module did not self-register');
  });
  vi.resetModules();
  vi.doMock('webgpu', () => ({ create, globals: { GPUBufferUsage: { STORAGE: 128 } } }));
  vi.doMock('../../src/gpu/embedded.js', () => ({
    unpackSwiftShader: async () => ({ manifest: EMBEDDED, loader: '/cache/libvulkan.so.1', source: 'the package' }),
  }));
  create.mockClear();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.doUnmock('webgpu');
  vi.doUnmock('../../src/gpu/embedded.js');
  rmSync(folder, { recursive: true, force: true });
});

async function find(preference: AdapterPreference) {
  const { findNodeAdapter } = await import('../../src/gpu/dawn.js');
  const before = { ...process.env };
  const { kind, source } = await findNodeAdapter(preference).finally(() => expect(process.env).toEqual(before));
  return { kind, source };
}

describe('the order of the search', () => {
  test('a GPU and lavapipe', async () => {
    answers = { '': GPU, [lavapipe]: LLVMPIPE, [EMBEDDED]: SWIFTSHADER };
    expect(await find('auto')).toEqual({ kind: 'hardware', source: 'radv: Mesa 25' });
    expect(await find('hardware')).toEqual({ kind: 'hardware', source: 'radv: Mesa 25' });
    expect(await find('software')).toEqual({ kind: 'software', source: lavapipe });
    expect(await find('embedded')).toEqual({ kind: 'embedded', source: 'the package' });
    expect(create).toHaveBeenCalledTimes(3); // one instance for each set of drivers
  });

  test.runIf(process.platform === 'linux')('a GPU alone', async () => {
    answers = { '': GPU };
    await expect(find('software')).rejects.toThrow(/software: there is only hardware \(radv: Mesa 25\)/);
  });

  test('lavapipe alone', async () => {
    answers = { '': LLVMPIPE };
    expect(await find('auto')).toEqual({ kind: 'software', source: lavapipe });
    expect(await find('software')).toEqual({ kind: 'software', source: lavapipe });
    await expect(find('hardware')).rejects.toThrow(
      /hardware: the only adapter is a software one \(llvmpipe: Mesa 25\)/,
    );
  });

  test('drivers that Dawn rejects, as Mesa 22.3', async () => {
    answers = { [EMBEDDED]: SWIFTSHADER };
    expect(await find('auto')).toEqual({ kind: 'embedded', source: 'the package' });
    if (process.platform === 'linux') await expect(find('software')).rejects.toThrow(lavapipe);
  });

  test('the user’s own VK_DRIVER_FILES', async () => {
    vi.stubEnv('VK_DRIVER_FILES', '/opt/swiftshader.json');
    answers = { '/opt/swiftshader.json': SWIFTSHADER };
    expect(await find('auto')).toEqual({ kind: 'software', source: '/opt/swiftshader.json' });
  });

  test('a loader that does not see the variables, as in a worker thread', async () => {
    answers = { '': LLVMPIPE, [EMBEDDED]: LLVMPIPE };
    await expect(find('embedded')).rejects.toThrow(/did not take the driver.*worker thread/);
  });
});

test('the masks that host code needs are global, as in a browser', async () => {
  vi.stubGlobal('GPUMapMode', 'as it was');
  answers = { '': GPU };
  await find('auto');
  expect(GPUBufferUsage.STORAGE).toBe(128);
  expect(GPUMapMode).toBe('as it was');
  vi.unstubAllGlobals();
});

test.each([
  ['linux', /apt install .*SwiftShader comes with this package$/s],
  ['darwin', /has Metal/],
  ['win32', /Direct3D 12/],
  ['freebsd', /Linux x64/],
] as const)('without an adapter, %s is told how to get one there', async (platform, remedy) => {
  vi.spyOn(process, 'platform', 'get').mockReturnValue(platform);
  answers = {};
  const message = await find('hardware').then(String, (error: Error) => error.message);
  expect(message).toMatch(remedy);
  expect(message.includes('apt install')).toBe(platform === 'linux');
});
