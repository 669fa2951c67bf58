import { readdir, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFirst } from '../util/atomicFile.js';
import { makeFolder } from '../util/folder.js';

/** Who works on a run. */
export interface Claimant {
  pid: number;
  host: string;
  /** When the process started, in the kernel's ticks: a number of its own where pids are used again. Null but on Linux. */
  born: string | null;
  /** When the claim was made, ISO 8601. */
  since: string;
}

/** The right to work on a run, or who has it. */
export type Claim = { release: () => Promise<void> } | { heldBy: Claimant };

/**
 * Claims a run for this process, unless a process that lives has it. A claim is a file `HASH.N`. Where the processes of all
 * claims are dead the next N is claimed, which only one process can: a file is made by linking a whole one to a name that
 * must be free.
 * @param folder of the claims
 */
export async function claim(folder: string, hash: string): Promise<Claim> {
  await makeFolder(folder);
  const fileOf = (number: number) => join(folder, `${hash}.${number}`);
  for (;;) {
    const numbers = await claimsOf(folder, hash);
    for (const number of numbers) {
      const holder = await readClaim(fileOf(number));
      if (holder && (await lives(holder))) return { heldBy: holder };
    }
    const own = (numbers.at(-1) ?? -1) + 1;
    if (!(await writeFirst(fileOf(own), await describeSelf()))) continue;
    const remove = async (some: number[]) => {
      for (const number of some) await rm(fileOf(number), { force: true });
    };
    // Another may have found the folder before or after a third one tidied it, and made another number.
    const now = await claimsOf(folder, hash);
    if (now.every((number) => number === own || numbers.includes(number))) {
      return { release: () => remove([...numbers, own]) };
    }
    await remove([own]);
  }
}

/** The claims of processes that live, by the hashes of the runs. */
export async function livingClaims(folder: string): Promise<Map<string, Claimant>> {
  const living = new Map<string, Claimant>();
  await makeFolder(folder);
  // Others are drafts, which may be half written.
  for (const name of (await readdir(folder)).filter((one) => /^[^.]+\.\d+$/.test(one))) {
    const holder = await readClaim(join(folder, name));
    if (holder && (await lives(holder))) living.set(name.slice(0, name.indexOf('.')), holder);
  }
  return living;
}

/** The numbers of a run's claims, rising. */
async function claimsOf(folder: string, hash: string): Promise<number[]> {
  return (await readdir(folder))
    .filter((name) => name.startsWith(`${hash}.`))
    .map((name) => Number(name.slice(hash.length + 1)))
    .filter(Number.isInteger)
    .sort((a, b) => a - b);
}

async function describeSelf(): Promise<string> {
  const { pid } = process;
  const self: Claimant = { pid, host: hostname(), born: await bornAt(pid), since: new Date().toISOString() };
  return JSON.stringify(self);
}

async function readClaim(file: string): Promise<Claimant | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Claimant;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** What runs on another host cannot be looked at: it counts as alive. */
async function lives({ pid, host, born }: Claimant): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return born === null || born === (await bornAt(pid));
}

/**
 * Field 22 of /proc/PID/stat, `starttime`; the process's name before it may hold blanks, but ends with the last bracket. Null
 * for a process that has ended and that its parent has not asked after yet (state Z).
 */
async function bornAt(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : fields[19];
}
