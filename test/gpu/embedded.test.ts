import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bundle, node } from './child.js';

const run = promisify(execFile);
const supported = process.platform === 'linux' && process.arch === 'x64';
const root = process.getuid?.() === 0;

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'edgewise-test-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.doUnmock('../../src/util/packageFolder.js');
  vi.resetModules();
  rmSync(cache, { recursive: true, force: true });
});

async function unpack() {
  const { unpackSwiftShader } = await import('../../src/gpu/embedded.js');
  return unpackSwiftShader();
}

/** Lets the package lie in a folder that ships these files, compressed as they are given. */
function mockPackage(files: Record<string, Buffer>) {
  const folder = join(cache, 'package');
  mkdirSync(join(folder, 'dist/swiftshader'), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, 'dist/swiftshader', name), content);
  vi.resetModules();
  vi.doMock('../../src/util/packageFolder.js', () => ({ packageFolder: () => folder }));
}

async function failure(work: Promise<unknown>): Promise<Error> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toMatchObject({ name: 'DeviceError' }); // not instanceof: the module is loaded anew for each mock
  return thrown as Error;
}

describe.runIf(supported)('unpackSwiftShader', () => {
  test('unpacks into a private folder under the cache directory', async () => {
    const { manifest, loader, source } = await unpack();
    const folder = dirname(manifest);
    expect(dirname(folder)).toBe(join(cache, 'edgewise'));
    expect(dirname(loader)).toBe(folder);
    expect(source).toContain('@sparticuz/chromium 147.0.0');
    expect(source).toContain(folder);
    expect(readdirSync(folder).sort()).toEqual(['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json']);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(manifest, 'utf8')).ICD.library_path).toBe('./libvk_swiftshader.so');
  });

  test('the second call writes nothing', async () => {
    const { manifest } = await unpack();
    const times = () =>
      readdirSync(dirname(manifest)).map((name) => statSync(join(dirname(manifest), name), { bigint: true }).ctimeNs);
    const before = times();
    mockPackage({}); // not even the package's files are needed any more
    await unpack();
    expect(times()).toEqual(before);
  });

  test.each(['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'])(
    'replaces a changed %s',
    async (name) => {
      const { manifest } = await unpack();
      const file = join(dirname(manifest), name);
      const good = readFileSync(file);
      const changed = Buffer.from(good);
      changed[changed.length >> 1]! ^= 1;
      writeFileSync(file, changed);
      await unpack();
      expect(readFileSync(file).equals(good)).toBe(true);
    },
  );

  test('replaces a missing file, a cut-off file, a symbolic link and a file that others can write', async () => {
    const { manifest, loader } = await unpack();
    const driver = join(dirname(manifest), 'libvk_swiftshader.so');
    const good = readFileSync(loader);
    const elsewhere = join(cache, 'elsewhere.so');

    rmSync(loader);
    writeFileSync(driver, readFileSync(driver).subarray(0, 1000));
    await unpack();
    expect(readFileSync(loader).equals(good)).toBe(true);
    expect(statSync(driver).size).toBe(6026040);

    writeFileSync(elsewhere, good);
    rmSync(loader);
    symlinkSync(elsewhere, loader);
    chmodSync(driver, 0o666);
    await unpack();
    expect(readFileSync(elsewhere).equals(good)).toBe(true);
    rmSync(elsewhere);
    expect(readFileSync(loader).equals(good)).toBe(true);
    expect(statSync(driver).mode & 0o777).toBe(0o600);
  });

  test('many at once, in one process and in several, all end with the right files', async () => {
    const code = await bundle(`
      import { unpackSwiftShader } from './src/gpu/embedded.ts';
      await Promise.all([1, 2, 3].map(() => unpackSwiftShader()));
    `);
    await Promise.all([unpack(), unpack(), ...[1, 2, 3].map(() => run(...node(code)))]);
    const { manifest } = await unpack();
    expect(readdirSync(dirname(manifest)).length).toBe(3); // and no temporary files
  });

  test('refuses a folder, or its parent, that others can write', async () => {
    const { manifest } = await unpack();
    for (const folder of [dirname(manifest), dirname(dirname(manifest))]) {
      chmodSync(folder, 0o770);
      expect((await failure(unpack())).message).toMatch(/can be written by others \(mode 770\).*XDG_CACHE_HOME/);
      chmodSync(folder, 0o700);
    }
    await unpack();
  });

  test('refuses a folder that is a symbolic link', async () => {
    const { manifest } = await unpack();
    const folder = dirname(manifest);
    rmSync(folder, { recursive: true });
    mkdirSync(join(cache, 'other'), { mode: 0o700 });
    symlinkSync(join(cache, 'other'), folder);
    expect((await failure(unpack())).message).toContain('is not a plain folder');
    expect(readdirSync(join(cache, 'other'))).toEqual([]);
  });

  test.runIf(root)("refuses somebody else's folder, and replaces somebody else's file", async () => {
    const { manifest } = await unpack();
    chownSync(manifest, 12345, 12345);
    await unpack();
    expect(statSync(manifest).uid).toBe(0);
    chownSync(dirname(manifest), 12345, 12345);
    expect((await failure(unpack())).message).toContain('belongs to user 12345, not to you (0)');
  });

  test("says that the package's own files are missing, and writes nothing", async () => {
    mockPackage({});
    const { message } = await failure(unpack());
    expect(message).toMatch(/package's own libvk_swiftshader\.so cannot be unpacked \(.*ENOENT.*install edgewise anew/);
    expect(readdirSync(join(cache, 'edgewise'), { recursive: true })).toHaveLength(1);
  });

  test('says that the package is not there, as for a program whose bundle it is part of', async () => {
    vi.doMock('../../src/util/packageFolder.js', () => ({
      packageFolder: () => {
        throw new Error("Cannot find module 'edgewise/package.json'\nRequire stack:\n- /srv/server.mjs");
      },
    }));
    const { message } = await failure(unpack());
    expect(message).toContain("(Cannot find module 'edgewise/package.json')");
  });

  test('refuses another driver', async () => {
    mockPackage({ 'libvk_swiftshader.so.br': brotliCompressSync('not the driver') });
    expect((await failure(unpack())).message).toMatch(
      /does not hold the expected libvk_swiftshader\.so: it was changed/,
    );
    expect(readdirSync(join(cache, 'edgewise'), { recursive: true })).toHaveLength(1);
  });

  test.each([
    ['not compressed', Buffer.from('plain text')],
    ['larger than any driver', brotliCompressSync(Buffer.alloc(17 * 1024 * 1024))],
  ])('refuses a driver that is broken: %s', async (_, content) => {
    mockPackage({ 'libvk_swiftshader.so.br': content });
    expect((await failure(unpack())).message).toContain('libvk_swiftshader.so cannot be unpacked');
  });

  test('says that the cache directory cannot be made', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '/dev/null');
    expect((await failure(unpack())).message).toMatch(/cannot be written.*set XDG_CACHE_HOME to another folder/);
  });
});

test.each([
  ['darwin', 'arm64'],
  ['linux', 'arm64'],
  ['win32', 'x64'],
])('is for Linux x64 only: %s %s', async (platform, arch) => {
  vi.stubGlobal('process', Object.create(process, { platform: { value: platform }, arch: { value: arch } }));
  expect((await failure(unpack())).message).toContain(`Linux x64 only; this is ${platform} ${arch}`);
});
