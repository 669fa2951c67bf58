import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeTuning } from '../../src/cli/tune.js';
import { defaultChoices } from '../../src/gpu/choices.js';
import { type Device, openDevice } from '../../src/tensor/device.js';
import * as tuning from '../../src/tensor/tune.js';
import { sharedDevice } from '../device.js';
import { edgewise } from './cli.js';

/** Kept as it is: the commands are given another in its place. */
const open = openDevice;
/** Opens a device as the command asks, and gives the tests' one in its place, whose kernels are compiled. */
async function openShared(options?: Parameters<typeof open>[0]): Promise<Device> {
  const [device, shared] = [await open(options), await sharedDevice()];
  shared.tuningFile = device.tuningFile;
  await device.close();
  return shared;
}

let cache: string;
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'edgewise-tune-'));
});
afterAll(() => {
  rmSync(cache, { recursive: true });
});

/** One level and few bins: compiling the variants is most of the time. */
const PROBLEM = [
  ...['--size', 'tiny', '--image-size', '30x32', '--batch', '1', '--classes', '3'],
  ...['--strides', '8', '--bins', '4'],
];

test('tune measures, tells and keeps; doctor says whether a file is in use; --no-tune ignores it', async () => {
  const env = { XDG_CACHE_HOME: cache };
  const doctor = async (...more: string[]) => {
    const { code, stdout, stderr } = await edgewise(['doctor', '--json', ...more], env, { devices: [openShared] });
    expect(code).toBe(0);
    return { tuning: JSON.parse(stdout).tuning, stderr };
  };
  const device = await sharedDevice();
  const used = device.pool.usedBytes;
  // Each workload runs once. That all values agree is ops/choices.test.ts', the clock tensor/tune.test.ts'.
  const { tuneChoices } = tuning;
  const untimed = vi.spyOn(tuning, 'tuneChoices').mockImplementation((device, workloads, options) => {
    for (const { run } of workloads) device.tidy(() => void run());
    const light = workloads.map((workload) => ({ ...workload, run: () => [device.tensor(Float32Array.of(1))] }));
    return tuneChoices(device, light, { ...options, measure: async () => 1 });
  });
  const { code, stdout, stderr } = await edgewise(['tune', ...PROBLEM, '--json'], env);
  expect(untimed).toHaveBeenCalledOnce();
  untimed.mockRestore();
  expect(code).toBe(0);
  const [first, ...others] = Object.keys(defaultChoices(device.gpu));
  expect(stderr).toContain(
    `detector tiny, 1 images of 32×32, maps of f32\nmeasuring ${first} (1 of ${others.length + 1})\n`,
  );
  const found = JSON.parse(stdout);
  expect(Object.keys(found.choices)).toEqual(Object.keys(defaultChoices(device.gpu)));
  expect(found).toMatchObject({ adapter: expect.any(String), seconds: expect.any(Number) });
  expect(found.measured.map(({ choice }: { choice: string }) => choice)).toEqual(Object.keys(found.choices));
  for (const { choice, chosen, values } of found.measured) {
    expect(found.choices[choice]).toBe(chosen);
    expect(values.filter(({ refused }: { refused: string | null }) => refused !== null)).toEqual([]);
  }
  expect(device.pool.usedBytes).toBe(used);

  // What is printed without --json.
  const text = describeTuning(found);
  expect(text).toMatch(/^choice +value +ms\n/);
  expect(text.match(/chosen$/gm)).toHaveLength(others.length + 1);
  expect(text.match(/default/g)).toHaveLength(others.length + 1);
  expect(text).toMatch(new RegExp(`Kept in ${cache}.*\\.json; \\d+ s$`));

  expect(found.file).toContain(cache);
  expect((await doctor()).tuning).toBe(found.file);

  writeFileSync(found.file, '{');
  const broken = await doctor();
  expect(broken.tuning).toBeNull();
  expect(broken.stderr).toContain(`the tuning file ${found.file} is not used`);
  expect(await doctor('--no-tune')).toEqual({ tuning: null, stderr: '' });
});
