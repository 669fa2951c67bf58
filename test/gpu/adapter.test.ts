import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AdapterPreference, findAdapter, requestDevice } from '../../src/gpu/adapter.js';
import { DeviceError, InputError } from '../../src/util/error.js';
import { bundle, node } from './child.js';

const run = promisify(execFile);
const canEmbed = process.platform === 'linux' && process.arch === 'x64';
const SHADER = `
  @group(0) @binding(0) var<storage, read_write> values: array<f32>;
  @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { values[id.x] *= 2; }
`;

let cache: string;
/** Finds an adapter, computes on it, and ends as the variable END says. */
let program: string;

beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), 'edgewise-test-'));
  program = await bundle(`
    import { findAdapter, requestDevice } from './src/gpu/adapter.ts';
    const { ADAPTER = 'auto', END } = process.env;
    const found = await findAdapter(ADAPTER);
    const device = await requestDevice(found);
    const doubled = await (${double})(device, ${JSON.stringify(SHADER)});
    const { kind, source, adapter: { info: { description } } } = found;
    console.log(JSON.stringify({ kind, source, description, doubled, drivers: process.env.VK_DRIVER_FILES }));
    if (END === 'throw') throw new Error('thrown with the device open');
    device.queue.onSubmittedWorkDone(); // leaves a turn of Dawn's event pump to come, which the instance must outlive
    if (END !== 'open') { device.destroy(); found.release(); }
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
    gc();
  `);
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** Doubles the numbers 0 … 127 on the device; written so that its text also runs in a child process. */
async function double(device: GPUDevice, code: string): Promise<number[]> {
  const [STORAGE, COPY_SRC, COPY_DST, MAP_READ] = [0x80, 0x04, 0x08, 0x01];
  const values = device.createBuffer({ size: 512, usage: STORAGE | COPY_SRC | COPY_DST });
  const result = device.createBuffer({ size: 512, usage: COPY_DST | MAP_READ });
  device.queue.writeBuffer(
    values,
    0,
    Float32Array.from({ length: 128 }, (_, i) => i),
  );
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const layout = pipeline.getBindGroupLayout(0);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer: values } }] }));
  pass.dispatchWorkgroups(2);
  pass.end();
  encoder.copyBufferToBuffer(values, 0, result, 0, 512);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(1);
  return [...new Float32Array(result.getMappedRange().slice(0))];
}

const DOUBLED = Array.from({ length: 128 }, (_, i) => 2 * i);

function child(env: Record<string, string>) {
  return run(...node(program, { XDG_CACHE_HOME: cache, ...env }));
}

describe('in this process', () => {
  const preferences: AdapterPreference[] = canEmbed ? ['auto', 'embedded', 'auto'] : ['auto'];

  test('one after the other, each computes, and the environment stays as it was', async () => {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    const before = { ...process.env };
    const sources: string[] = [];
    for (const preference of preferences) {
      const found = await findAdapter(preference);
      const device = await requestDevice(found);
      expect(await double(device, SHADER)).toEqual(DOUBLED);
      if (preference === 'embedded') expect(found).toMatchObject({ kind: 'embedded' });
      sources.push(found.source);
      device.destroy();
      found.release();
      expect(found.gpu).toBeUndefined();
    }
    expect(sources.at(-1)).toBe(sources[0]); // the embedded driver in between leaves the system's choice alone
    expect(process.env).toEqual(before);
  });

  test('the device has the adapter’s largest limits and its features', async () => {
    const found = await findAdapter();
    const { adapter } = found;
    const device = await requestDevice(found);
    for (const name of ['maxBufferSize', 'maxComputeInvocationsPerWorkgroup', 'maxStorageBufferBindingSize'] as const) {
      expect(device.limits[name]).toBe(adapter.limits[name]);
    }
    for (const name of ['timestamp-query', 'subgroups', 'shader-f16', 'chromium-experimental-subgroup-matrix']) {
      expect(device.features.has(name)).toBe(adapter.features.has(name));
    }
    device.destroy();
    found.release();
  });

  test('an adapter gives one device', async () => {
    const found = await findAdapter();
    const device = await requestDevice(found);
    const second = await requestDevice(found).then(
      (other) => other.lost,
      (error: unknown) => error,
    );
    expect(second).toMatchObject({ name: 'DeviceError', message: expect.stringContaining(found.source) });
    device.destroy();
    found.release();
  });

  test('EDGEWISE_ADAPTER overrides auto only', async () => {
    vi.stubEnv('EDGEWISE_ADAPTER', 'gpu');
    await expect(findAdapter('auto')).rejects.toThrow(
      new InputError(
        "The environment variable EDGEWISE_ADAPTER is 'gpu'; expected one of auto, hardware, software, embedded",
      ),
    );
    if (!canEmbed) return;
    vi.stubEnv('XDG_CACHE_HOME', cache);
    expect((await findAdapter('embedded')).kind).toBe('embedded');
    vi.stubEnv('EDGEWISE_ADAPTER', 'embedded');
    expect((await findAdapter('auto')).kind).toBe('embedded');
  });

  test('another word than the four is refused', async () => {
    const thrown = await findAdapter('swiftshader' as AdapterPreference).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(InputError);
    expect((thrown as Error).message).toMatch(/adapter is 'swiftshader'; expected one of auto, hardware/);
  });
});

describe('in a browser', () => {
  afterEach(() => vi.unstubAllGlobals());
  const adapter = {
    info: { vendor: 'acme', architecture: 'g1', device: '', description: '', isFallbackAdapter: false },
  };
  const fallback = { info: { ...adapter.info, description: 'SwiftShader', isFallbackAdapter: true } };

  function browser(requestAdapter?: (options: GPURequestAdapterOptions) => Promise<unknown>) {
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('window', globalThis);
    vi.stubGlobal('navigator', requestAdapter ? { gpu: { requestAdapter } } : {});
  }

  test('takes navigator.gpu', async () => {
    const requestAdapter = vi.fn(async () => adapter);
    browser(requestAdapter);
    expect(await findAdapter()).toMatchObject({ kind: 'browser', adapter, source: 'navigator.gpu: acme g1' });
    await findAdapter('software');
    expect(requestAdapter.mock.calls).toEqual([
      [{ powerPreference: 'high-performance' }],
      [{ forceFallbackAdapter: true }],
    ]);
  });

  test('says what is missing', async () => {
    browser();
    await expect(findAdapter()).rejects.toThrow(/no WebGPU \(navigator\.gpu is missing\)/);
    browser(async () => null);
    await expect(findAdapter()).rejects.toThrow(DeviceError);
    browser(async () => fallback);
    await expect(findAdapter('hardware')).rejects.toThrow(/no hardware adapter.*SwiftShader/);
    await expect(findAdapter('embedded')).rejects.toThrow(InputError);
  });
});

describe('a process ends by itself', () => {
  const adapters = canEmbed ? ['auto', 'embedded'] : ['auto'];

  test.each(adapters)('with exit code 0 after release: %s', async (ADAPTER) => {
    const { stdout } = await child({ ADAPTER, END: 'release' });
    expect(JSON.parse(stdout).doubled).toEqual(DOUBLED);
  });

  test.each(adapters)('with exit code 0 though the device is open: %s', async (ADAPTER) => {
    await child({ ADAPTER, END: 'open' });
  });

  test.each(adapters)('with exit code 1 after an error: %s', async (ADAPTER) => {
    await expect(child({ ADAPTER, END: 'throw' })).rejects.toMatchObject({
      code: 1,
      killed: false,
      stderr: expect.stringContaining('thrown with the device open'),
    });
  });
});

describe.runIf(canEmbed)('without what the system offers', () => {
  // The reasons differ where this machine has a Vulkan loader and where it has none.
  test('no driver: auto takes the embedded one, and leaves the environment alone', async () => {
    const { stdout } = await child({ VK_DRIVER_FILES: '/nonexistent' });
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'embedded', doubled: DOUBLED, drivers: '/nonexistent' });
  });

  test.each(['hardware', 'software'])('no driver: %s says so, and how to get one', async (ADAPTER) => {
    await expect(child({ ADAPTER, VK_DRIVER_FILES: '/nonexistent' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /No WebGPU adapter was found \(asked for: \w+\).*(drivers: \/nonexistent|libvulkan\.so\.1, is not installed).*apt install.*ask for auto or embedded/s,
      ),
    });
  });

  test('nothing at all: every attempt gives its reason', async () => {
    const file = join(cache, 'file');
    writeFileSync(file, '');
    await expect(child({ VK_DRIVER_FILES: '/nonexistent', XDG_CACHE_HOME: file })).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /hardware and software: (Vulkan offers no adapter|the Vulkan loader).*embedded: \/.*set XDG_CACHE_HOME to another/s,
      ),
    });
  });

  // Hides the Vulkan loader from one process: needs root and a mount namespace.
  const hide = `for f in $(ldconfig -p | sed -n 's/.*libvulkan\\.so\\.1 .*=> //p'); do mount --bind /dev/null "$f"; done; exec "$@"`;
  const hidden = (command: string, args: readonly string[], options: object) =>
    run('unshare', ['--mount', 'bash', '-c', hide, 'bash', command, ...args], options);

  test('no Vulkan loader: the embedded one is loaded, and the system is not asked again', async ({ skip }) => {
    await hidden('true', [], {}).catch(() => skip('cannot make a mount namespace'));
    const code = await bundle(`
      import { findAdapter } from './src/gpu/adapter.ts';
      for (let i = 0; i < 2; i++) console.log((await findAdapter()).kind);
      await findAdapter('hardware').catch((error) => console.log(error.message));
    `);
    const [command, args, options] = node(code, { XDG_CACHE_HOME: cache });
    const { stdout, stderr } = await hidden(command, args, options);
    expect(stdout).toMatch(/^embedded\nembedded\n.*hardware: the Vulkan loader, libvulkan\.so\.1, is not installed/s);
    expect(stderr).not.toMatch(/Vulkan|driver/); // Dawn is not sent to look for what is not there
  });
});
