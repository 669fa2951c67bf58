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
  vi.doUnmock('node:module');
  vi.resetModules();
  rmSync(cache, { recursive: true, force: true });
});

async function unpack() {
  const { unpackSwiftShader } = await import('../../src/gpu/embedded.js');
  return unpackSwiftShader();
}

/** Lets the package resolve to `main`, or not at all. */
function mockPackage(main: string | undefined) {
  vi.resetModules();
  vi.doMock('node:module', () => ({
    createRequire: () => ({
      resolve: () => {
        if (!main) throw Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
        return main;
      },
    }),
  }));
}

/** An installed package whose archive holds these files. */
function fakePackage(archive: Buffer) {
  const folder = join(cache, 'package');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin/swiftshader.tar.br'), archive);
  return join(folder, 'build/cjs/index.cjs');
}

function tarFile(name: string, content: string) {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content);
  return Buffer.concat([header, padded]);
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
    expect(source).toContain('@sparticuz/chromium@147.0.0');
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
    mockPackage(undefined); // not even the package is needed any more
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

  test('says that the optional dependency is missing', async () => {
    mockPackage(undefined);
    const { message } = await failure(unpack());
    expect(message).toContain('@sparticuz/chromium@147.0.0 is not installed');
    expect(message).toContain('npm install @sparticuz/chromium@147.0.0');
  });

  test('refuses an archive with other content, and writes nothing', async () => {
    mockPackage(fakePackage(brotliCompressSync(tarFile('libvk_swiftshader.so', 'not the driver'))));
    expect((await failure(unpack())).message).toMatch(
      /does not hold the expected libvk_swiftshader\.so.*another version/,
    );
    expect(readdirSync(join(cache, 'edgewise'), { recursive: true }).length).toBe(1);
  });

  test.each([
    ['not brotli', Buffer.from('plain text')],
    ['not tar', brotliCompressSync(Buffer.alloc(2048, 'x'))],
    ['no such file in it', brotliCompressSync(tarFile('readme', 'hello'))],
  ])('refuses an archive that is broken: %s', async (_, archive) => {
    mockPackage(fakePackage(archive));
    expect((await failure(unpack())).message).toContain('npm install @sparticuz/chromium@147.0.0');
  });

  test('says that the cache directory cannot be made', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '/dev/null');
    expect((await failure(unpack())).message).toMatch(/cannot be made.*XDG_CACHE_HOME/);
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
