import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claim, livingClaims } from '../../src/util/claim.js';
import { lifeOf, lifeOfTag, self, tagOf } from '../../src/util/owner.js';

const isLinux = process.platform === 'linux';
let folder: string;
let child: ChildProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgewise-claim-'));
  child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
});
afterAll(async () => {
  child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Writes a claim as a process would have left it. */
const leave = (name: string, holder: object) => writeFile(join(folder, name), JSON.stringify(holder));
/** A process of another time on this machine. */
const dead = () => ({ ...self(), pid: child.pid, born: '1', since: 'then' });
const far = { host: 'another.invalid', space: null, pid: 1, born: null, since: 'then' };
const claimsOf = async (name: string) => (await readdir(folder)).filter((file) => file.startsWith(`${name}.`));

test('a claim is one process’s until it is released', async () => {
  const first = await claim(folder, 'a');
  if (!('release' in first)) throw new Error('not claimed');
  expect(await claim(folder, 'a')).toMatchObject({ heldBy: self() });
  expect(await claim(folder, 'ab')).toHaveProperty('release');
  await first.release();
  expect(await claimsOf('a')).toEqual([]);
  expect(await claim(folder, 'a')).toHaveProperty('release');
});

test('of many at once one gets it', async () => {
  await leave('many.0', { ...self(), pid: 2 ** 22 + 1, born: '1', since: 'then' });
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(folder, 'many')));
  expect(claims.filter((one) => 'release' in one)).toHaveLength(1);
});

test.runIf(isLinux)('one that finds another’s only after it has made its own steps back', async () => {
  // A claim that is a pipe stops who reads it, until something is written to it.
  const pipe = join(folder, 'met.0');
  execFileSync('mkfifo', [pipe]);
  let isOver = false;
  const claimed = claim(folder, 'met').finally(() => {
    isOver = true;
  });
  /** Says to the next reader, if there is one still, that the claim is a dead process's. */
  const tell = async (meanwhile = async () => {}) => {
    while (!isOver) {
      const reader = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK).catch(() => null);
      if (reader) {
        await meanwhile();
        await reader.writeFile(JSON.stringify(dead()));
        return reader.close();
      }
      await pause(5);
    }
  };
  const own = join(folder, 'met.1');
  await tell(() => leave('met.7', { ...self(), since: 'meanwhile' }));
  while (!existsSync(own)) await pause(5);
  await tell();
  while (!isOver && existsSync(own)) await pause(5);
  await tell();
  expect(await claimed).toMatchObject({ heldBy: { since: 'meanwhile' } });
});

test('a dead process’s claim is taken over and removed, also where its number is another’s now', async () => {
  const ended = spawn(process.execPath, ['-e', '']);
  await once(ended, 'exit');
  await leave('dead.0', { ...self(), pid: ended.pid, since: 'then' });
  const taken = await claim(folder, 'dead');
  if (!('release' in taken)) throw new Error('not taken over');
  expect(await claimsOf('dead')).toEqual(['dead.1']);
  expect(JSON.parse(await readFile(join(folder, 'dead.1'), 'utf8'))).toMatchObject({ pid: process.pid });
  await taken.release();
  expect(await claimsOf('dead')).toEqual([]);

  await leave('reused.0', dead());
  expect(await claim(folder, 'reused')).toHaveProperty(isLinux ? 'release' : 'heldBy');
});

test('who cannot be seen from here lives until it has been silent for long', async () => {
  const minutesAgo = (minutes: number) => Date.now() / 1000 - 60 * minutes;
  // Another machine, another container of one name, half a claim, and one of an earlier version.
  for (const [i, holder] of [
    far,
    { ...self(), space: 'pid:[1]', since: '' },
    'half',
    { pid: 1, host: 'x' },
  ].entries()) {
    await leave(`unseen-${i}.0`, holder as object);
    expect(await claim(folder, `unseen-${i}`)).toHaveProperty('heldBy');
    await utimes(join(folder, `unseen-${i}.0`), minutesAgo(4), minutesAgo(4));
    expect(await claim(folder, `unseen-${i}`)).toHaveProperty('heldBy');
    await utimes(join(folder, `unseen-${i}.0`), minutesAgo(6), minutesAgo(6));
    expect(await claim(folder, `unseen-${i}`)).toHaveProperty('release');
  }
});

test('living claims are told by their names, those of the dead are removed, drafts left alone', async () => {
  const own = join(folder, 'living');
  expect(await livingClaims(own)).toEqual(new Map());
  await claim(own, 'mine');
  await leave('living/far.1', far);
  await leave('living/gone.0', { ...dead(), pid: 2 ** 22 + 1 });
  await leave('living/silent.0', far);
  await utimes(join(own, 'silent.0'), 0, 0);
  await writeFile(join(own, '.edgewise-draft.part'), '{');
  const living = await livingClaims(own);
  expect([...living.keys()].sort()).toEqual(['far', 'mine']);
  expect(living.get('far')).toEqual(far);
  expect(living.get('mine')).toMatchObject({ pid: process.pid });
  expect((await readdir(own)).sort()).toEqual(['.edgewise-draft.part', 'far.1', 'mine.0']);
});

test('a process is known by host, id and start, in a claim as in a file’s name', () => {
  const { pid = 0 } = child;
  const tag = tagOf(self());
  expect([lifeOf(self()), lifeOfTag(tag)]).toEqual(isLinux ? ['alive', 'alive'] : ['unknown', 'unknown']);
  expect(lifeOf({ ...self(), pid })).toBe(isLinux ? 'dead' : 'unknown');
  expect(lifeOfTag(tag.replace(`-${process.pid}-`, `-${pid}-`))).toBe(isLinux ? 'dead' : 'unknown');
  expect(lifeOf({ ...self(), pid: 2 ** 22 + 1 })).toBe('dead');
  expect(lifeOfTag(tag.replace(`-${process.pid}-`, `-${2 ** 22 + 1}-`))).toBe('dead');
  expect(lifeOf({ ...self(), host: 'another.invalid' })).toBe('unknown');
  expect(lifeOfTag(tag.replace(/^\w/, (first) => (first === '0' ? '1' : '0')))).toBe('unknown');
  expect(lifeOfTag('notes')).toBe('unknown');
});
