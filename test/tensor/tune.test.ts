import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type ChoiceName, defaultChoices, possibleValues } from '../../src/gpu/choices.js';
import { Device, openDevice } from '../../src/tensor/device.js';
import type { Workload } from '../../src/tensor/tune.js';
import { DeviceError } from '../../src/util/error.js';
import { halvesOfFloats } from '../../src/util/half.js';

let cache: string;
let device: Device;
let warnings: string[];
beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), 'edgewise-tune-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  device = await openDevice();
});
afterAll(async () => {
  await device.close();
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});
beforeEach(() => {
  device.setChoices({});
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Work whose result is `output` of the current values of its choices. */
function work(choices: ChoiceName[], output: () => number[] = () => [1, 2, 3]): Workload {
  return { name: 'fake', choices, run: () => [device.tensor(output())] };
}
const turns = work(['stream.turns']);

test('takes the fastest value, and says what it measured', async () => {
  const times = { 1: 12, 2: 10, 4: 7, 8: 9 };
  const measure = async () => times[device.choice('stream.turns')];
  const report = await device.tune([turns], { measure });
  expect(report).toEqual([
    {
      choice: 'stream.turns',
      values: Object.entries(times).map(([value, milliseconds]) => ({
        value: Number(value),
        milliseconds,
        refused: null,
      })),
      standard: 2,
      chosen: 4,
    },
  ]);
  expect(device.choices).toEqual({ ...defaultChoices(device.gpu), 'stream.turns': 4 });
  expect(warnings).toEqual([]);
});

test.each([
  [9.75, 2],
  [9.65, 8],
])('a gain below three per cent is none: %d of 10 ms', async (milliseconds, chosen) => {
  const measure = async () => (device.choice('stream.turns') === 8 ? milliseconds : 10);
  const [report] = await device.tune([turns], { measure });
  expect(report.chosen).toBe(chosen);
});

test('a value that is fast by chance does not win twice', async () => {
  let runs = 0;
  // The first race runs four values seven times; only then is 8 as slow as the others.
  const measure = async () => (device.choice('stream.turns') === 8 && runs++ < 7 ? 5 : 10);
  const [report] = await device.tune([turns], { measure });
  expect(report.chosen).toBe(2);
  expect(runs).toBeGreaterThan(7);
});

test('a machine that slows down in between misleads nobody', async () => {
  let time = 1;
  const measure = async () => {
    time *= 1.01;
    return device.choice('stream.turns') === 4 ? 0.9 * time : time;
  };
  const [report] = await device.tune([turns], { measure });
  expect(report.chosen).toBe(4);
});

test('a choice is made for the sum of its workloads, with the earlier ones at their best', async () => {
  const both: ChoiceName[] = ['stream.planes', 'stream.turns'];
  const workloads = [work(both), work(['stream.turns'])];
  const seen = new Set<number>();
  const measure = async (workload: Workload) => {
    if (workload === workloads[1]) return device.choice('stream.turns') === 1 ? 1 : 10;
    if (workload === workloads[0] && device.choice('stream.turns') !== 2) seen.add(device.choice('stream.planes'));
    return device.choice('stream.planes') === 32 ? 1 : 5;
  };
  await device.tune(workloads, { measure });
  expect(device.choices).toMatchObject({ 'stream.planes': 32, 'stream.turns': 1 });
  expect([...seen]).toEqual([32]);
});

test('a value that gives other results is refused, with a warning that names it', async () => {
  const wrong = work(['stream.turns'], () => [1, 2, device.choice('stream.turns') === 8 ? 3.001 : 3]);
  const measure = async () => 10 / device.choice('stream.turns');
  const [report] = await device.tune([wrong], { measure });
  expect(report.chosen).toBe(4);
  expect(report.values[3]).toMatchObject({ value: 8, milliseconds: null });
  expect(report.values[3].refused).toMatch(/fake: output 0 differs from the default's by 3\.\de-4/);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/stream\.turns = 8 is refused on /);
});

test.each([
  ['NaN', Number.NaN, true],
  ['infinity', Infinity, true],
  ['rounding of the largest', 3 + 2e-6, false],
])('%s is refused: %d, %s', async (_, value, isRefused) => {
  const measure = async () => 10;
  const own = work(['stream.turns'], () => [0, device.choice('stream.turns') === 1 ? value : 3]);
  const [report] = await device.tune([own], { measure });
  expect(report.values[0].refused !== null).toBe(isRefused);
});

test('results in f16 may differ by a step, no more', async (context) => {
  if (!device.gpu.features.has('shader-f16')) return context.skip();
  const values = { 1: 1 - 2 ** -11, 2: 1, 4: 1 + 2 ** -10, 8: 1 + 2 ** -9 };
  const run = () => {
    const tensor = device.empty([3], 'f16');
    const stored = Float32Array.of(0.5, values[device.choice('stream.turns')], 0, 0);
    device.write(tensor.range.buffer, tensor.offset, halvesOfFloats(stored));
    return [tensor];
  };
  const [report] = await device.tune([{ name: 'halves', choices: ['stream.turns'], run }], { measure: async () => 1 });
  expect(report.values.map(({ refused }) => refused !== null)).toEqual([false, false, false, true]);
  expect(report.values[3].refused).toMatch(/halves: output 0 differs from the default's by 2\.0e-3 of/);
});

test('a value whose kernel fails is refused; a workload that fails by default is an error and changes nothing', async () => {
  const failing = (value: number) =>
    work(['stream.turns'], () => {
      if (device.choice('stream.turns') === value) throw new DeviceError('kernel fake: too large');
      return [1];
    });
  const measure = async () => 10;
  const [report] = await device.tune([failing(8)], { measure });
  expect(report.values[3].refused).toBe('fake: kernel fake: too large');
  device.setChoices({ 'stream.turns': 4, 'stream.planes': 8 });
  const before = device.choices;
  await expect(device.tune([failing(2)], { measure })).rejects.toThrow(DeviceError);
  expect(device.choices).toEqual(before);
});

test('with the clock, every value is measured and nothing stays in memory', async () => {
  const used = device.pool.usedBytes;
  const [report] = await device.tune([turns]);
  expect(report.values.map(({ value }) => value)).toEqual(possibleValues(device.gpu, 'stream.turns'));
  for (const { milliseconds } of report.values) expect(milliseconds).toBeGreaterThan(0);
  expect(device.pool.usedBytes).toBe(used);
});

test('what was tuned is kept for the devices opened later, unless they are told otherwise', async () => {
  const measure = async () => 10 / device.choice('stream.turns');
  await device.tune([turns], { measure });
  const file = device.tuningFile;
  expect(file).toContain(cache);
  const opened = async (options: Parameters<typeof openDevice>[0]) => {
    const other = await openDevice(options);
    await other.close();
    return [other.choice('stream.turns'), other.tuningFile];
  };
  expect(await opened({})).toEqual([8, file]);
  expect(await opened({ tune: false })).toEqual([2, null]);
  expect(await opened({ choices: { 'stream.turns': 1 } })).toEqual([1, null]);
  await expect(openDevice({ choices: { 'stream.turns': 3 as 4 } })).rejects.toThrow(/choices: stream\.turns is 3/);

  const adopted = Device.adopt(device.gpu);
  await adopted.tune([turns], { measure: async () => (adopted.choice('stream.turns') === 4 ? 1 : 2) });
  expect(adopted.tuningFile).toBeNull();
  expect(await opened({})).toEqual([8, file]);
});
