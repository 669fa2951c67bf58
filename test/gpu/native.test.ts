import { execFileSync } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { environment, loadLibrary } from '../../src/gpu/native.js';

const LIBRARY = 'libvulkan.so.1';
const FUNCTION = 'vkGetInstanceProcAddr';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.doUnmock('bun:ffi');
});

/** What the runtimes say of a library that is there and is no add-on, and of one that is not there. */
test.each([
  ["Module did not self-register: 'libvulkan.so.1'.", true],
  ['libvulkan.so.1: cannot open shared object file: No such file or directory', false],
  ['/lib/libvulkan.so.1: file too short', false],
])('Node: %s', async (message, there) => {
  const dlopen = vi.spyOn(process, 'dlopen').mockImplementation(() => {
    throw new Error(message);
  });
  expect(await loadLibrary(LIBRARY, FUNCTION)).toBe(there);
  expect(dlopen).toHaveBeenCalledOnce();
});

test.runIf(process.platform === 'linux')('Node: a library of the system, and one that is not there', async () => {
  expect(await loadLibrary('libc.so.6', 'malloc')).toBe(true);
  expect(await loadLibrary('libedgewise-has-none.so', 'malloc')).toBe(false);
});

test('Deno has a function of its own', async () => {
  const dlopen = vi.fn();
  vi.stubGlobal('Deno', { dlopen });
  expect(await loadLibrary(LIBRARY, FUNCTION)).toBe(true);
  expect(dlopen).toHaveBeenCalledWith(LIBRARY, {});
  dlopen.mockImplementation(() => {
    throw new Error('Could not open library');
  });
  expect(await loadLibrary(LIBRARY, FUNCTION)).toBe(false);
});

test('Bun has a module; its process.env is a copy, so variables are set by libc as well', async () => {
  const [setenv, unsetenv] = [vi.fn(), vi.fn()];
  const dlopen = vi.fn((library: string, _symbols: object) => {
    if (library === 'missing.so') throw new Error('Failed to open library');
    return { symbols: { setenv, unsetenv } };
  });
  vi.doMock('bun:ffi', () => ({ dlopen }));
  vi.stubGlobal('process', Object.create(process, { versions: { value: { ...process.versions, bun: '1.4.5' } } }));
  expect(await loadLibrary(LIBRARY, FUNCTION)).toBe(true);
  expect(dlopen).toHaveBeenCalledWith(LIBRARY, { [FUNCTION]: {} });
  expect(await loadLibrary('missing.so', FUNCTION)).toBe(false);

  const set = await environment();
  set('EDGEWISE_TEST', 'é');
  const bytes = (text: string) => new TextEncoder().encode(`${text}\0`);
  expect(setenv).toHaveBeenCalledWith(bytes('EDGEWISE_TEST'), bytes('é'), 1);
  expect(process.env.EDGEWISE_TEST).toBe('é');
  set('EDGEWISE_TEST', undefined);
  expect(unsetenv).toHaveBeenCalledWith(bytes('EDGEWISE_TEST'));
  expect(process.env.EDGEWISE_TEST).toBeUndefined();
});

test('Node: a variable reaches other programs, and is removed', async () => {
  const set = await environment();
  const seen = () => execFileSync(process.execPath, ['-p', 'process.env.EDGEWISE_TEST'], { encoding: 'utf8' }).trim();
  set('EDGEWISE_TEST', '1');
  expect(seen()).toBe('1');
  set('EDGEWISE_TEST', undefined);
  expect(seen()).toBe('undefined');
});
