import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { writeError, writeFirst } from './atomicFile.js';
import { makeFolder } from './folder.js';
import { lifeOf, type Owner, self } from './owner.js';

/** Who works on something. */
export interface Claimant extends Owner {
  /** When the claim was made, ISO 8601. */
  since: string;
}

/** The right to work on something alone, or who has it. */
export type Claim = { release: () => Promise<void> } | { heldBy: Claimant };

/** Milliseconds between touches of a claim's file. They show processes on other machines that this one lives. */
const BEAT_MS = 30_000;
/** To them a process that has been silent for so long is dead. */
const SILENT_MS = 10 * BEAT_MS;
/** Two that meet step back for a random time up to this. */
const STEP_BACK_MS = 50;

/**
 * Claims something for this process, unless a living process has it. A claim is a file `NAME.N`. If the processes of all claims
 * are dead, the next N is claimed. Only one process can do that: it makes the file by linking a whole one to a name that must be
 * free.
 * @param folder of the claims; it is made
 * @throws DiskError when it cannot be written
 */
export async function claim(folder: string, name: string): Promise<Claim> {
  await makeFolder(folder).catch((error: unknown) => {
    throw writeError(folder, error);
  });
  const fileOf = (number: number) => join(folder, `${name}.${number}`);
  const livingAmong = async (numbers: number[]) => {
    for (const number of numbers) {
      const holder = await livingHolder(fileOf(number));
      if (holder) return holder;
    }
    return null;
  };
  const remove = (file: string) => rm(file, { force: true }).catch(() => undefined);
  for (;;) {
    const numbers = await claimsOf(folder, name);
    const heldBy = await livingAmong(numbers);
    if (heldBy) return { heldBy };
    const own = (numbers.at(-1) ?? -1) + 1;
    const file = fileOf(own);
    if (!(await writeFirst(file, JSON.stringify({ ...self(), since: new Date().toISOString() })))) continue;
    // Another process may have made another number meanwhile: of two, the later one sees the other here.
    const others = (await claimsOf(folder, name)).filter((number) => number !== own);
    if (await livingAmong(others)) {
      await remove(file);
      await pause(Math.random() * STEP_BACK_MS);
      continue;
    }
    for (const number of others) await remove(fileOf(number));
    const beat = setInterval(() => {
      const now = new Date();
      utimes(file, now, now).catch(() => undefined);
    }, BEAT_MS).unref();
    return {
      release: async () => {
        clearInterval(beat);
        await remove(file);
      },
    };
  }
}

/** The claims of processes that live, by their names; those of the dead are removed. */
export async function livingClaims(folder: string): Promise<Map<string, Claimant>> {
  const living = new Map<string, Claimant>();
  // Others are drafts.
  for (const file of (await readdir(folder).catch(() => [])).filter((one) => /^[^.]+\.\d+$/.test(one))) {
    const holder = await livingHolder(join(folder, file));
    if (holder) living.set(file.slice(0, file.indexOf('.')), holder);
    else await rm(join(folder, file), { force: true });
  }
  return living;
}

/** The numbers of a name's claims, rising. */
async function claimsOf(folder: string, name: string): Promise<number[]> {
  return (await readdir(folder))
    .filter((file) => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map((file) => Number(file.slice(name.length + 1)))
    .sort((a, b) => a - b);
}

/** Who holds a claim; null where nobody does: it is gone, or its process is. */
async function livingHolder(file: string): Promise<Claimant | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  const status = await stat(file).catch(() => null);
  if (text === null || status === null) return null;
  const holder = parse(text);
  const life = lifeOf(holder);
  const isSilent = Date.now() - status.mtimeMs > SILENT_MS;
  return life === 'alive' || (life === 'unknown' && !isSilent) ? holder : null;
}

/** Where a crash has left half a claim, nobody that can be seen. */
function parse(text: string): Claimant {
  try {
    const read = JSON.parse(text) as Partial<Claimant> | null;
    const { host, space = null, pid, born = null, since } = read ?? {};
    if (typeof host === 'string' && typeof pid === 'number' && typeof since === 'string') {
      return { host, space, pid, born, since };
    }
  } catch {
    // as below
  }
  return { host: 'an unknown host', space: null, pid: 0, born: null, since: 'an unknown time' };
}
