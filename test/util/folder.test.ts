import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeWhole } from '../../src/util/atomicFile.js';
import { isFolder, makeFolder } from '../../src/util/folder.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'edgewise-folder-'));
  await writeFile(join(root, 'file'), '');
});
afterAll(() => rm(root, { recursive: true }));

test('a folder is made with those above it, with its mode, and may be there', async () => {
  const deep = join(root, 'a', 'b', 'c');
  await makeFolder(deep, 0o700);
  await makeFolder(deep);
  await makeFolder(`${deep}/`);
  expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700);
  expect([await isFolder(deep), await isFolder(join(root, 'file')), await isFolder(join(root, 'no'))]).toEqual([
    true,
    false,
    false,
  ]);
});

test('a file in the way is an error', async () => {
  await expect(makeFolder(join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeFolder(join(root, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

// Node's own `recursive` never ends here.
test.skipIf(process.platform !== 'linux')('a folder that the system makes for nobody is an error', async () => {
  await expect(makeFolder('/proc/edgewise/below')).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(writeWhole('/proc/edgewise/file', '')).rejects.toThrow(
    '/proc/edgewise/file cannot be written: the system makes no folder there: give another folder (ENOENT).',
  );
});
