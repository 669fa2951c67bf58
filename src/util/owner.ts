import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, told apart from every other of all time and all machines as well as the system allows. */
export interface Owner {
  host: string;
  /** On Linux the name space of the process's id: a container has one for itself. Null elsewhere. */
  space: string | null;
  pid: number;
  /** On Linux the boot and the tick in which the process started: a process id is used again. Null elsewhere. */
  born: string | null;
}

/** Whether a process runs. `unknown`: it cannot be seen from here. */
export type Life = 'alive' | 'dead' | 'unknown';

/** Asked for when it is needed: golden cases read files in a browser's tests, where nothing of this is. */
const here = () => ({ host: hostname(), space: read(() => readlinkSync('/proc/self/ns/pid')) });

/** This process. */
export function self(): Owner {
  return { ...here(), pid: process.pid, born: bornAt(process.pid) };
}

/** Whether an owner runs. */
export function lifeOf({ host, space, pid, born }: Owner): Life {
  const own = here();
  if (host !== own.host || space !== own.space) return 'unknown';
  const now = startOf(pid);
  // Where no start is known, the process of this id may be another.
  if (now !== null && (now === undefined || born === null)) return 'unknown';
  return now === born ? 'alive' : 'dead';
}

/** An owner as a part of a file's name. */
export function tagOf({ host, space, pid, born }: Owner): string {
  return `${short(`${host} ${space}`)}-${pid}-${short(`${born}`)}`;
}

/** Likewise of the process that a tag names; `unknown` also for what is no tag. */
export function lifeOfTag(tag: string): Life {
  const pid = Number(/^\w+-(\d+)-\w+$/.exec(tag)?.[1]);
  const now = startOf(pid);
  const own = tagOf({ ...here(), pid, born: now ?? null });
  if (now === undefined || tag.split('-')[0] !== own.split('-')[0]) return 'unknown';
  return now !== null && tag === own ? 'alive' : 'dead';
}

/** When the process of this id started, as `Owner.born`; null where none runs, undefined where one does that is not told. */
function startOf(pid: number): string | null | undefined {
  let isOthers = false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    isOthers = (error as NodeJS.ErrnoException).code === 'EPERM';
    if (!isOthers) return null;
  }
  const born = bornAt(pid);
  if (born !== null) return born;
  // Where there is /proc, one of our own that is not in it has ended; those of others may be hidden.
  return here().space === null || isOthers ? undefined : null;
}

/**
 * Field 22 of /proc/PID/stat, `starttime`; the process's name before it may hold blanks, but ends with the last bracket. Null
 * for a process that has ended and that its parent has not asked after yet (state Z).
 */
function bornAt(pid: number): string | null {
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const boot = read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  return fields[0] === 'Z' ? null : `${boot ?? ''} ${fields[19]}`;
}

function read(look: () => string): string | null {
  try {
    return look();
  } catch {
    return null;
  }
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
