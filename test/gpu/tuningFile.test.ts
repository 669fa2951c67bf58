import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { version } from '../../package.json';
import { completeChoices, defaultChoices } from '../../src/gpu/choices.js';
import { readTuning, writeTuning } from '../../src/gpu/tuningFile.js';

let cache: string;
let warnings: string[];
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'edgewise-tuning-'));
  vi.stubEnv('XDG_CACHE_HOME', cache);
  warnings = [];
  vi.spyOn(console, 'warn').mockImplementation((text: string) => void warnings.push(text));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(cache, { recursive: true });
});

function adapter(description: string, ...features: string[]): GPUDevice {
  const adapterInfo = { vendor: 'maker', architecture: 'kind', device: '', description, subgroupMinSize: 8 };
  return { adapterInfo, features: new Set(features) } as unknown as GPUDevice;
}
const one = adapter('Card: driver 1.2/3 (é)', 'subgroups');

test('what is kept comes back, in a private folder, with nothing beside it', async () => {
  expect(await readTuning(one)).toBeNull();
  const choices = completeChoices(one, { 'stream.turns': 8, 'convolution.weights': 'direct' });
  const file = await writeTuning(one, completeChoices(one, {}));
  expect(await writeTuning(one, choices)).toBe(file);
  expect(await readTuning(one)).toEqual({ file, choices });
  expect(file).toMatch(/\/tuning\/card-driver-1\.2-3-[0-9a-f]{12}\.json$/);
  expect(readdirSync(dirname(file))).toHaveLength(1);
  expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ edgewise: version, choices });
  expect(warnings).toEqual([]);
});

test('another driver has another file', async () => {
  await writeTuning(one, defaultChoices(one));
  expect(await readTuning(adapter('Card: driver 1.2/4 (é)', 'subgroups'))).toBeNull();
  expect(await readTuning(adapter('Card: driver 1.2-3 (é)', 'subgroups'))).toBeNull();
});

test('unknown names and values are left out, with one warning that names the file', async () => {
  const file = await writeTuning(one, defaultChoices(one));
  const given = { 'stream.turns': 4, 'stream.planes': 5, 'warp.speed': 9 };
  writeFileSync(file, JSON.stringify({ choices: given }));
  expect(await readTuning(one)).toEqual({ file, choices: { 'stream.turns': 4 } });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(file);
  expect(warnings[0]).toMatch(/stream\.planes is 5, .*; warp\.speed is none/);
});

test('subgroups that the device lacks are left out', async () => {
  await writeTuning(one, defaultChoices(one));
  const kept = await readTuning(adapter('Card: driver 1.2/3 (é)'));
  expect(kept?.choices).not.toHaveProperty('convolution.weights');
  expect(kept?.choices).toHaveProperty('stream.turns');
});

test.each(['', '{"choices": {', 'null', '[]', '7', '{"choices": 3}', '{"choices": null}', '\0\0'])(
  'a broken file is none, with one warning that names it: %j',
  async (text) => {
    const file = await writeTuning(one, defaultChoices(one));
    writeFileSync(file, text);
    expect(await readTuning(one)).toBeNull();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(file);
  },
);

test('a folder that cannot be written is named, with the remedy', async () => {
  vi.stubEnv('XDG_CACHE_HOME', '/dev/null');
  await expect(writeTuning(one, defaultChoices(one))).rejects.toThrow(
    /^\/dev\/null.* cannot be written: .*set XDG_CACHE_HOME to another folder/,
  );
});
