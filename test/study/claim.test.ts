import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { claim, livingClaims } from '../../src/study/claim.js';
import * as atomicFile from '../../src/util/atomicFile.js';

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

test('of two at once that take different numbers, one stands back', async () => {
  const others = { pid: process.pid, host: hostname(), born: null, since: '' };
  const write = atomicFile.writeFirst;
  const spy = vi.spyOn(atomicFile, 'writeFirst').mockImplementationOnce(async (file, content) => {
    // The other has read the folder before a third one tidied it, and takes the next number just now.
    await writeFile(join(folder, 'race.1'), JSON.stringify(others));
    return write(file, content);
  });
  try {
    expect(await claim(folder, 'race')).toEqual({ heldBy: others });
  } finally {
    spy.mockRestore();
  }
  expect((await readdir(folder)).filter((name) => name.startsWith('race.'))).toEqual(['race.1']);
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
  await writeFile(join(folder, 'far.0'), JSON.stringify({ ...dead, host: 'another.invalid' }));
  expect(await claim(folder, 'far')).toHaveProperty('heldBy');
});

test('living claims are told by their runs; neither those of the dead nor drafts count', async () => {
  const own = join(folder, 'living');
  expect(await livingClaims(own)).toEqual(new Map());
  await claim(own, 'mine');
  const far = { pid: 1, host: 'another.invalid', born: null, since: '' };
  await writeFile(join(own, 'far.0'), JSON.stringify({ ...far, host: hostname(), born: '1' }));
  await writeFile(join(own, 'far.1'), JSON.stringify(far));
  await writeFile(join(own, 'gone.0'), JSON.stringify({ ...far, host: hostname(), born: '1' }));
  await writeFile(join(own, 'draft.0.1f'), '{');
  const living = await livingClaims(own);
  expect([...living.keys()].sort()).toEqual(process.platform === 'linux' ? ['far', 'mine'] : ['far', 'gone', 'mine']);
  expect(living.get('far')).toEqual(far);
  expect(living.get('mine')).toMatchObject({ pid: process.pid });
});
