import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claim, countClaimants } from '../../src/study/claim.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-claim-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a claim is one process’s until it is released', async () => {
  const first = await claim(folder, 'a');
  if (!('release' in first)) throw new Error('not claimed');
  expect(await claim(folder, 'a')).toMatchObject({ heldBy: { pid: process.pid, host: hostname() } });
  expect(await claim(folder, 'ab')).toHaveProperty('release');
  await first.release();
  const second = await claim(folder, 'a');
  expect(second).toHaveProperty('release');
});

test('of many at once one gets it', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(folder, 'many')));
  // One at most: two that come at once may both stand back, and one of them tries again.
  expect(claims.filter((one) => 'release' in one)).toHaveLength(1);
});

test('a dead process’s claim is taken over, also where its number is another’s now', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const dead = { pid: child.pid, host: hostname(), born: '1', since: '' };
  await writeFile(join(folder, 'dead.0'), JSON.stringify(dead));
  const taken = await claim(folder, 'dead');
  if (!('release' in taken)) throw new Error('not taken over');
  expect(JSON.parse(await readFile(join(folder, 'dead.1'), 'utf8'))).toMatchObject({ pid: process.pid });
  await taken.release();
  expect((await readdir(folder)).filter((name) => name.startsWith('dead.'))).toEqual([]);

  await writeFile(join(folder, 'reused.0'), JSON.stringify({ ...dead, pid: process.pid }));
  expect(await claim(folder, 'reused')).toHaveProperty(process.platform === 'linux' ? 'release' : 'heldBy');
  const before = await countClaimants(folder);
  await writeFile(join(folder, 'far.0'), JSON.stringify({ ...dead, host: 'another.invalid' }));
  expect(await claim(folder, 'far')).toHaveProperty('heldBy');

  expect(await countClaimants(folder)).toBe(before + 1);
  // Neither a second claim of the same process, nor one of a dead process, nor a draft is one more.
  await writeFile(join(folder, 'far.1'), JSON.stringify({ ...dead, host: 'another.invalid' }));
  await writeFile(join(folder, 'gone.0'), JSON.stringify(dead));
  await writeFile(join(folder, 'draft.0.1f'), '{');
  expect(await countClaimants(folder)).toBe(before + 1);
});
