import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { prepareDemoFolder } from '../../src/cli/demoFolder.js';
import { InputError } from '../../src/util/error.js';

const NAMES = ['teacher', 'report.html'];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-demo-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(name: string): Promise<void> {
  await mkdir(join(folder, name));
  await writeFile(join(folder, name, 'weights'), '');
}

it('replaces what a demo wrote, and nothing else', async () => {
  await write('mine');
  await prepareDemoFolder(folder, NAMES);
  await write('teacher');
  await prepareDemoFolder(folder, NAMES);
  expect((await readdir(folder)).sort()).toEqual(['demo.json', 'mine']);
});

it("refuses a folder that holds another's files of these names, and leaves them", async () => {
  await write('teacher');
  const wrong = prepareDemoFolder(folder, NAMES);
  await expect(wrong).rejects.toThrow(InputError);
  await expect(wrong).rejects.toThrow(/^--out: .* holds teacher, which no demo wrote; give another folder\.$/);
  expect(await readdir(join(folder, 'teacher'))).toEqual(['weights']);
});

it('a mark that cannot be read is no permission', async () => {
  await write('teacher');
  await writeFile(join(folder, 'demo.json'), '{"written": 3');
  await expect(prepareDemoFolder(folder, NAMES)).rejects.toThrow('which no demo wrote');
});

it('makes the folder', async () => {
  await prepareDemoFolder(join(folder, 'a', 'b'), NAMES);
  expect(await readdir(join(folder, 'a', 'b'))).toEqual(['demo.json']);
});
