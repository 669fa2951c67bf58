import { randomBytes } from 'node:crypto';
import { constants, copyFile, link, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DiskError } from './error.js';
import { makeFolder } from './folder.js';
import { lifeOfTag, self, tagOf } from './owner.js';

/** Text, bytes, or bytes in parts, which are not joined in memory. */
export type Content = string | Uint8Array | readonly Uint8Array[];

/** How `writeWhole` writes. */
interface WriteOptions {
  /** Permissions of a private file, and of the folders that are made for it. A link of its name is replaced. */
  mode?: { file: number; folder: number };
  /** How a person gives another folder; default `give`. */
  choose?: string;
}

/** What a person can do about it, by the system's code; GIVE stands for how another folder is given. */
const REMEDIES: Record<string, string> = {
  ENOSPC: 'the disk is full: free some space, or GIVE a folder on another disk',
  EDQUOT: 'your quota on this disk is used up: free some space, or GIVE a folder on another disk',
  EFBIG: 'it is larger than files may be here: raise the limit (ulimit -f), or GIVE a folder on another disk',
  EACCES: 'GIVE a folder you can write to',
  EPERM: 'GIVE a folder you can write to',
  EROFS: 'the disk is read-only: GIVE a folder you can write to',
  ENOTDIR: 'a part of the path is a file: GIVE another folder',
  EISDIR: 'a folder has this name: GIVE another name',
  EEXIST: 'a part of the path is a file: GIVE another folder',
  ENOENT: 'the system makes no folder there: GIVE another folder',
  ENAMETOOLONG: 'the name is too long: GIVE a shorter one',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
};

/** How file systems without hard links refuse one. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/** A draft that nobody has written to for so long, by a process that cannot be seen from here, is a killed one's. */
const ABANDONED_MS = 3_600_000;
const DRAFT = /^\.edgewise-([0-9a-f]+-\d+-[0-9a-f]+)-[0-9a-f]+\.part$/;

/**
 * Writes a file whole or not at all: a reader sees the old content or the new, and so does a process after a crash. Makes the
 * folder. A device or a pipe is written to as it is; a link stays one.
 * @throws DiskError, one line with the file, the reason and the remedy
 */
export async function writeWhole(file: string, content: Content, options: WriteOptions = {}): Promise<void> {
  try {
    await makeFolder(dirname(file), options.mode?.folder);
    const present = options.mode ? null : await stat(file).catch(() => null);
    if (present && !present.isFile() && !present.isDirectory()) return await write(file, 'w', content);
    const target = present ? await realpath(file) : file;
    const mode = options.mode?.file ?? (present ? present.mode & 0o777 : undefined);
    await throughDraft(target, content, mode, rename);
  } catch (cause) {
    throw writeError(file, cause, options.choose);
  }
}

/**
 * Writes a file unless it is there, whole or not at all. Its folder must be there.
 * @returns false where it is there
 * @throws DiskError as `writeWhole`
 */
export async function writeFirst(file: string, content: Content): Promise<boolean> {
  try {
    await throughDraft(file, content, undefined, linkOrCopy);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw writeError(file, cause);
  }
}

/** Some file systems have no links. There a reader may see a part for a moment, but never two contents one after the other. */
async function linkOrCopy(draft: string, file: string): Promise<void> {
  await link(draft, file).catch(async (error: NodeJS.ErrnoException) => {
    if (!NO_LINKS.includes(error.code ?? '')) throw error;
    await copyFile(draft, file, constants.COPYFILE_EXCL);
  });
}

/** @param place gives the draft, which is whole and on the disk, its name */
async function throughDraft(
  file: string,
  content: Content,
  mode: number | undefined,
  place: (draft: string, file: string) => Promise<void>,
): Promise<void> {
  const draft = draftOf(dirname(file));
  try {
    await write(draft, 'wx', content, mode);
    await place(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

async function write(file: string, flags: string, content: Content, mode?: number): Promise<void> {
  const parts: readonly (string | Uint8Array)[] = Array.isArray(content) ? content : [content as string | Uint8Array];
  const handle = await open(file, flags, mode);
  try {
    for (const part of parts) await handle.writeFile(part);
    if (flags === 'wx') await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The name of a file that is not whole yet. It tells whose it is, so that `removeLeftovers` finds those of the killed. */
export function draftOf(folder: string): string {
  return join(folder, `.edgewise-${tagOf(self())}-${randomBytes(4).toString('hex')}.part`);
}

/** Removes what processes that were killed while they wrote have left in a folder. Others may write there. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const tag = DRAFT.exec(name)?.[1];
    if (tag === undefined) continue;
    const path = join(folder, name);
    const life = lifeOfTag(tag);
    // One that is gone is whole by now.
    const changed = life === 'unknown' ? await stat(path).catch(() => null) : null;
    const isAbandoned = changed !== null && Date.now() - changed.mtimeMs > ABANDONED_MS;
    if (life === 'dead' || isAbandoned) await rm(path, { force: true }).catch(() => undefined);
  }
}

/**
 * Adds a line to a file of lines. Where the last one was cut off, it stays a line of its own.
 * @throws DiskError as `writeWhole`; the file is then as it was
 */
export async function appendLine(file: string, line: string): Promise<void> {
  try {
    const handle = await open(file, 'a+');
    try {
      const { size } = await handle.stat();
      const end = Buffer.alloc(1);
      if (size > 0) await handle.read(end, 0, 1, size - 1);
      const isCutOff = size > 0 && end.toString() !== '\n';
      await handle.appendFile(`${isCutOff ? '\n' : ''}${line}\n`).catch(async (error: unknown) => {
        await handle.truncate(size).catch(() => undefined);
        throw error;
      });
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw writeError(file, cause);
  }
}

/**
 * What went wrong with a file or folder that was to be written.
 * @param choose how a person gives another folder
 */
export function writeError(path: string, cause: unknown, choose = 'give'): DiskError {
  if (cause instanceof DiskError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const remedy = (REMEDIES[code ?? ''] ?? `${message}; GIVE another folder`).replace('GIVE', choose);
  return new DiskError(`${path} cannot be written: ${remedy}${code ? ` (${code})` : ''}.`, { cause });
}
