import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeLeftovers, writeError, writeWhole } from '../../src/util/atomicFile.js';
import { DeviceError } from '../../src/util/error.js';

const folder = () => mkdtemp(join(tmpdir(), 'edgewise-atomic-'));

test('a file is written with its folder, replaced whole, and nothing else is left', async () => {
  const file = join(await folder(), 'a', 'b.json');
  await writeWhole(file, 'old');
  await writeWhole(file, new Uint8Array([110, 101, 119, 33]).subarray(0, 3), { mode: { file: 0o600, folder: 0o700 } });
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(file, '..'))).toEqual(['b.json']);
});

test('a file that cannot be written is one DeviceError that names it; the old content stays, nothing is left', async () => {
  const inFolder = await folder();
  const file = join(inFolder, 'plain');
  await writeFile(file, 'old');
  await expect(writeWhole(join(file, 'inside.json'), '')).rejects.toThrow(DeviceError);
  await expect(writeWhole(join(file, 'inside.json'), '')).rejects.toThrow(
    /plain.inside\.json cannot be written.*\(E\w+\)/,
  );
  await expect(writeWhole(inFolder, 'x')).rejects.toThrow(/a folder has this name/);
  expect(await readFile(file, 'utf8')).toBe('old');
});

test('a full disk is named as such', () => {
  const { message } = writeError(
    'run/log.jsonl',
    Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }),
  );
  expect(message).toBe(
    'run/log.jsonl cannot be written: the disk is full: free some space, or give a folder on another disk (ENOSPC).',
  );
});

test('leftovers of a killed process go, other files stay', async () => {
  const inFolder = await folder();
  for (const name of ['log.jsonl', 'log.jsonl.1234567', 'log.jsonl.bak', 'logxjsonl.12']) {
    await writeFile(join(inFolder, name), '');
  }
  await removeLeftovers(join(inFolder, 'log.jsonl'));
  expect((await readdir(inFolder)).sort()).toEqual(['log.jsonl', 'log.jsonl.bak', 'logxjsonl.12']);
});
