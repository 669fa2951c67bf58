import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, told apart from every other of all time and all machines as well as the system allows. */
export interface Owner {
  /** The machine's name; on Linux also the name space of its process ids, which a container has for itself. */
  host: string;
  pid: number;
  /** On Linux the boot and the tick in which the process started: a process id is used again. Null elsewhere. */
  born: string | null;
}

/** Whether a process runs. `unknown`: it cannot be seen from here. */
export type Life = 'alive' | 'dead' | 'unknown';

/** This process. */
export function self(): Owner {
  return { host: thisHost(), pid: process.pid, born: bornAt(process.pid) };
}

/** Whether an owner runs. Where a start is not known, a process of its id may be another. */
function lifeOf({ host, pid, born }: Owner): Life {
  if (host !== thisHost()) return 'unknown';
  let isOthers = false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    isOthers = (error as NodeJS.ErrnoException).code === 'EPERM';
    if (!isOthers) return 'dead';
  }
  const now = bornAt(pid);
  // A system may hide the processes of other users.
  if (born === null || (now === null && isOthers)) return 'unknown';
  return born === now ? 'alive' : 'dead';
}

/** An owner as a part of a file's name. */
export function tagOf({ host, pid, born }: Owner): string {
  return `${short(host)}-${pid}-${short(born ?? '')}`;
}

/** Likewise of the process that a tag names; `unknown` also for what is no tag. */
export function lifeOfTag(tag: string): Life {
  const [, host, pid, born] = /^([0-9a-f]{8})-(\d+)-([0-9a-f]{8})$/.exec(tag) ?? [];
  if (host !== short(thisHost())) return 'unknown';
  const now = bornAt(Number(pid));
  const life = lifeOf({ host: thisHost(), pid: Number(pid), born: now });
  if (life === 'alive') return short(now ?? '') === born ? 'alive' : 'dead';
  return life;
}

let host: string | undefined;

function thisHost(): string {
  host ??= [hostname(), read(() => readlinkSync('/proc/self/ns/pid'))].filter((part) => part !== null).join(' ');
  return host;
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
