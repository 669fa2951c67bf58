import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { wgslOf } from '../../scripts/wgsl.js';
import { codeOf } from '../../scripts/wgslLoops.js';
import type { KernelDefinition } from '../../src/gpu/launch.js';
import { openDevice } from '../../src/tensor/device.js';
import { DeviceError, InputError } from '../../src/util/error.js';
import { sharedDevice } from '../device.js';

const device = await sharedDevice();

const DOUBLE = {
  name: 'double',
  source: wgslOf(`
struct Params { count: u32 }
override FACTOR: f32 = 2.0;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;
@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (workgroup.y * workgroups.x + workgroup.x) * 4u + local;
  if (i < params.count) { output[i] = FACTOR * input[i]; }
}`),
};

function double(values: number[], constants = {}) {
  const input = device.tensor(values);
  const output = device.empty([values.length]);
  device.run({
    kernel: DOUBLE,
    constants,
    bindings: { input: input.range, output: output.range },
    params: { count: values.length },
    invocations: values.length,
  });
  return output;
}

describe('run', () => {
  test('computes; constants make variants', async () => {
    expect([...(await double([1, 2, 3, 4, 5]).read())]).toEqual([2, 4, 6, 8, 10]);
    expect([...(await double([1, 2], { FACTOR: 3 }).read())]).toEqual([3, 6]);
  });

  test('folds a launch that one dimension does not hold', async () => {
    const count = 4 * 65_535 + 6;
    const input = device.tensor(Float32Array.from({ length: count }, (_, i) => i));
    const output = device.zeros([count]);
    const bindings = { input: input.range, output: output.range };
    device.run({ kernel: DOUBLE, bindings, params: { count }, invocations: count });
    const values = await output.read();
    expect(values[count - 1]).toBe(2 * (count - 1));
    expect(values[4 * 65_535]).toBe(8 * 65_535);
    for (const tensor of [input, output]) tensor.dispose();
  });

  test('nothing to do', async () => {
    const before = device.dispatches;
    device.run({
      kernel: DOUBLE,
      bindings: { input: device.tensor([1]).range, output: device.empty([1]).range },
      params: { count: 0 },
      invocations: 0,
    });
    expect(device.dispatches).toBe(before);
  });

  test('order is kept between writes from the host and recorded work', async () => {
    const input = device.tensor([1]);
    const output = device.empty([2]);
    const launch = { kernel: DOUBLE, params: { count: 1 }, invocations: 1 };
    device.run({ ...launch, bindings: { input: input.range, output: output.range } });
    input.write([10]);
    const second = device.empty([1]);
    device.run({ ...launch, bindings: { input: input.range, output: second.range } });
    expect([(await output.read())[0], (await second.read())[0]]).toEqual([2, 20]);
  });

  test('bindings and params that do not fit are named before anything is recorded', () => {
    const input = device.tensor([1]).range;
    const base = { kernel: DOUBLE, params: { count: 1 }, invocations: 1 };
    expect(() => device.run({ ...base, bindings: { input } })).toThrow(
      /kernel double: the binding output is not given/,
    );
    expect(() => device.run({ ...base, bindings: { input, output: input, third: input } })).toThrow(
      /it binds params, input, output; got input, output, third/,
    );
    const { params: _, ...without } = base;
    expect(() => device.run({ ...without, bindings: { input, output: input } })).toThrow(/params are not given/);
    const bindings = { input, output: device.empty([1]).range };
    expect(() => device.run({ ...base, bindings, workgroups: [65_536, 1, 1] })).toThrow(/65536×1×1 workgroups/);
  });
});

test('EDGEWISE_DUMP_WGSL: the module as it is compiled, broken or not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgewise-dump-'));
  vi.stubEnv('EDGEWISE_DUMP_WGSL', folder);
  const code = (body: string) =>
    codeOf(`fn main() {\n  for (var k = 0u; k < 2u; k++) { // unroll\n    ${body}\n  }\n}`, {});
  const run = (name: string, body: string) => {
    const source = ['@compute @workgroup_size(1)', { code: code(body), workgroup: 1 }];
    device.run({ kernel: { name, source }, bindings: {}, invocations: 1 });
    return device.settled();
  };
  await run('whole', 'let x = k;');
  await expect(run('in pieces', 'unknown();')).rejects.toThrow(/in pieces/);
  vi.unstubAllEnvs();
  const files = readdirSync(folder).sort();
  expect(files.map((file) => file.replace(/-[\da-f]+\.wgsl$/, ''))).toEqual(['in-pieces', 'whole']);
  expect(readFileSync(join(folder, files[0]), 'utf8')).toContain('unknown();');
});

describe('errors of the GPU', () => {
  test('a kernel that does not compile is named, and the device goes on', async () => {
    const broken = { name: 'broken', source: wgslOf('@compute @workgroup_size(1) fn main() { let x = ; }') };
    device.run({ kernel: broken, bindings: {}, invocations: 1 });
    await expect(device.settled()).rejects.toThrow(/kernel broken: .*: @compute @workgroup_size\(1\) fn main\(\)/);
    expect([...(await double([4]).read())]).toEqual([8]);
  });

  test('with file and line where the WGSL comes from a file, also when compiled ahead', async () => {
    const code = codeOf('@compute @workgroup_size(1)\nfn main() {\n  unknown();\n}', {
      from: { file: 'shaders/x.wgsl', line: 5 },
    });
    const launch = () =>
      device.run({ kernel: { name: 'broken', source: [{ code, workgroup: 1 }] }, bindings: {}, invocations: 1 });
    launch();
    await expect(device.settled()).rejects.toThrow(/kernel broken: shaders\/x\.wgsl:7:3: .*: unknown\(\);/);
    const again = () =>
      device.run({ kernel: { name: 'broken', source: [{ code, workgroup: 1 }] }, bindings: {}, invocations: 1 });
    await expect(device.prepare(again)).rejects.toThrow(/kernel broken: shaders\/x\.wgsl:7:3: /);
    await device.settled().catch(() => {});
  });

  test('a source that is text is refused with what to give', () => {
    const kernel = { name: 'old', source: '@compute @workgroup_size(1) fn main() {}' } as unknown as KernelDefinition;
    expect(() => device.run({ kernel, bindings: {}, invocations: 1 })).toThrow(
      /launch\.kernel\.source: .* a list of parts/,
    );
  });

  test('a binding that the GPU refuses names its kernel', async () => {
    const small = device.tensor([1]);
    const output = device.empty([1]);
    const range = { ...small.range, offset: 4 };
    device.run({
      kernel: DOUBLE,
      bindings: { input: range, output: output.range },
      params: { count: 1 },
      invocations: 1,
    });
    const failure = device.settled();
    await expect(failure).rejects.toThrow(DeviceError);
    await expect(failure).rejects.toThrow(/double/);
  });
});

test('a closed device says so; closing twice is fine', async () => {
  const other = await openDevice();
  const tensor = other.tensor([1, 2]);
  await other.close();
  await other.close();
  await expect(tensor.read()).rejects.toThrow(InputError);
  expect(() => other.tensor([1])).toThrow(/closed/);
  tensor.dispose();
});

test('profile counts the dispatches of each kernel', async (context) => {
  if (!device.gpu.features.has('timestamp-query')) return context.skip();
  const times = await device.profile(() => {
    double([1]).dispose();
    double([2]).dispose();
  });
  expect(times.map(({ kernel, dispatches }) => [kernel, dispatches])).toEqual([['double', 2]]);
  expect(times[0].milliseconds).toBeGreaterThanOrEqual(0);
});

test('elapsed lies within the time that the caller waits, also where work submits in between', async (context) => {
  if (!device.gpu.features.has('timestamp-query')) return context.skip();
  const start = performance.now();
  const milliseconds = await device.elapsed(() => {
    double([1]).dispose();
    device.submit();
    double([2]).dispose();
  });
  expect(milliseconds).toBeGreaterThan(0);
  expect(milliseconds).toBeLessThan(performance.now() - start);
});
