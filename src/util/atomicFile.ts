import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { DeviceError } from './error.js';
import { makeFolder } from './folder.js';

/** How `writeWhole` writes. */
interface WriteOptions {
  /** Permissions of the file, and of the folders that are made for it. */
  mode?: { file: number; folder: number };
}

/** What a person can do about it, by the system's code. */
const REMEDIES: Record<string, string> = {
  ENOSPC: 'the disk is full: free some space, or give a folder on another disk',
  EDQUOT: 'your quota on this disk is used up: free some space, or give a folder on another disk',
  EACCES: 'give a folder you can write to',
  EPERM: 'give a folder you can write to',
  EROFS: 'the disk is read-only: give a folder you can write to',
  ENOTDIR: 'a part of the path is a file: give another folder',
  EISDIR: 'a folder has this name: give another name',
  EEXIST: 'a file has this name: give another name',
  ENOENT: 'the system makes no folder there: give another folder',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
};

/**
 * Writes a file whole or not at all: a reader sees the old content or the new, and so does a process after a crash. Makes the
 * folder.
 * @throws DeviceError, one line with the file, the reason and the remedy
 */
export async function writeWhole(file: string, data: string | Uint8Array, { mode }: WriteOptions = {}): Promise<void> {
  try {
    await makeFolder(dirname(file), mode?.folder);
    const content = typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    await writeFileAtomic(file, content, mode ? { mode: mode.file } : {});
  } catch (cause) {
    throw writeError(file, cause);
  }
}

/** What went wrong with a file or folder that was to be written. */
export function writeError(path: string, cause: unknown): DeviceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const remedy = REMEDIES[code ?? ''] ?? `${message}; give another folder`;
  return new DeviceError(`${path} cannot be written: ${remedy}${code ? ` (${code})` : ''}.`, { cause });
}

/** Removes what a process that was killed while it wrote `file` has left beside it. Only call it where nobody else writes. */
export async function removeLeftovers(file: string): Promise<void> {
  const folder = dirname(file);
  const unfinished = new RegExp(`^${basename(file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\.\\d+$`);
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.filter((name) => unfinished.test(name)).map((name) => rm(join(folder, name), { force: true })),
  );
}
