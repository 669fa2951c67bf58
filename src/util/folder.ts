import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from './error.js';

/**
 * Makes a folder, and those that it lies in. Node's own `recursive` never ends where the system refuses a name in a folder
 * that is there, as in /proc.
 * @throws the system's error when one cannot be made, or a part of the path is a file
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isFolder(path))) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path) throw error;
    // Another process may have made it meanwhile.
    if (!(await isFolder(above))) await makeFolder(above, mode);
    await mkdir(path, mode).catch(async (again: NodeJS.ErrnoException) => {
      if (again.code !== 'EEXIST' || !(await isFolder(path))) throw again;
    });
  }
}

/** Whether there is a folder of this path. */
export function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** Whether there is a file or folder of this path. */
export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What stands in a folder; nothing where there is none. @throws InputError when it is no folder, or cannot be read */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new InputError(
      `${folder} cannot be read as a folder (${code ?? message}); check the path and its permissions.`,
    );
  }
}
