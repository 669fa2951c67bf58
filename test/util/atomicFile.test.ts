import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdtemp, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { appendLine, draftOf, removeLeftovers, writeError, writeFirst, writeWhole } from '../../src/util/atomicFile.js';
import { DeviceError, DiskError } from '../../src/util/error.js';

const folder = () => mkdtemp(join(tmpdir(), 'edgewise-atomic-'));

test('a file is written with its folder, replaced whole, and nothing else is left', async () => {
  const file = join(await folder(), 'a', 'b.json');
  await writeWhole(file, 'old');
  await writeWhole(file, new Uint8Array([110, 101, 119, 33]).subarray(0, 3), { mode: { file: 0o600, folder: 0o700 } });
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await writeWhole(file, [new Uint8Array([110, 101]), new Uint8Array([119, 101, 114])]);
  expect(await readFile(file, 'utf8')).toBe('newer');
  // A file keeps the permissions that it has.
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(file, '..'))).toEqual(['b.json']);
});

test('a link stays one, and its file is replaced', async () => {
  const inFolder = await folder();
  const [file, linked] = [join(inFolder, 'file'), join(inFolder, 'link')];
  await writeFile(file, 'old');
  await symlink(file, linked);
  await writeWhole(linked, 'new');
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await lstat(linked)).isSymbolicLink()).toBe(true);
});

test.runIf(process.platform === 'linux')(
  'a device is written to, not replaced; a full one is named as such',
  async () => {
    await writeWhole('/dev/null', 'gone');
    expect((await stat('/dev/null')).isFile()).toBe(false);
    const full = /^\/dev\/full cannot be written: the disk is full: free some space.*\(ENOSPC\)\.$/;
    await expect(writeWhole('/dev/full', 'x')).rejects.toThrow(full);
    await expect(appendLine('/dev/full', 'x')).rejects.toThrow(full);
  },
);

test('a file that cannot be written is one DiskError that names it; the old content stays, nothing is left', async () => {
  const inFolder = await folder();
  const file = join(inFolder, 'plain');
  await writeFile(file, 'old');
  await expect(writeWhole(join(file, 'inside.json'), '')).rejects.toThrow(DiskError);
  await expect(writeWhole(join(file, 'inside.json'), '')).rejects.toThrow(DeviceError);
  await expect(writeWhole(join(file, 'inside.json'), '')).rejects.toThrow(
    /plain.inside\.json cannot be written.*\(E\w+\)/,
  );
  await expect(writeWhole(inFolder, 'x')).rejects.toThrow(/a folder has this name/);
  await expect(writeFirst(join(inFolder, 'none', 'x'), 'x')).rejects.toThrow(/none.x cannot be written/);
  expect(await readFile(file, 'utf8')).toBe('old');
  expect(await readdir(inFolder)).toEqual(['plain']);
});

test('a full disk is named as such', () => {
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  const error = writeError('run/log.jsonl', full);
  expect(error.message).toBe(
    'run/log.jsonl cannot be written: the disk is full: free some space, or give a folder on another disk (ENOSPC).',
  );
  expect(writeError('run', error)).toBe(error);
});

test('of many that write a file first one does', async () => {
  const file = join(await folder(), 'first');
  const written = await Promise.all(['a', 'b', 'c', 'd'].map((text) => writeFirst(file, text)));
  expect(written.filter(Boolean)).toHaveLength(1);
  expect(await readFile(file, 'utf8')).toBe('abcd'[written.indexOf(true)]);
  expect(await readdir(join(file, '..'))).toEqual(['first']);
});

test('a line is never glued to one that was cut off', async () => {
  const file = join(await folder(), 'log.jsonl');
  await appendLine(file, 'one');
  await appendLine(file, 'two');
  expect(await readFile(file, 'utf8')).toBe('one\ntwo\n');
  await writeFile(file, 'one\ntw');
  await appendLine(file, 'three');
  expect(await readFile(file, 'utf8')).toBe('one\ntw\nthree\n');
});

test('drafts of killed processes go; those of the living and other files stay', async () => {
  const inFolder = await folder();
  const program = `console.log(process.pid); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const own = basename(draftOf(inFolder));
  const [, host, , born] = /^\.edgewise-(\w+)-(\d+)-(\w+)-\w+\.part$/.exec(own) ?? [];
  const dead = `.edgewise-${host}-${child.pid}-${born}-00000000.part`;
  const [far, farAndOld] = ['1', '2'].map((n) => `.edgewise-${n.repeat(8)}-1-${born}-00000000.part`);
  const others = ['.edgewise-notes.part', 'log.jsonl', 'part', far, own];
  for (const name of [...others, dead, farAndOld]) await writeFile(join(inFolder, name), '');
  await utimes(join(inFolder, farAndOld), 0, 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await removeLeftovers(inFolder);
  expect((await readdir(inFolder)).sort()).toEqual(others.sort());
});
