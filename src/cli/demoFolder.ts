import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../util/atomicFile.js';
import { InputError } from '../util/error.js';

/** Lists what a demo has put beside it: nothing else is ever replaced. */
const MARK = 'demo.json';

/**
 * Makes room for a demo in a folder: removes what an earlier demo has written there, and notes what this one will write.
 * @param names of the files and folders to come
 * @throws InputError when something of these names is there that no demo wrote
 * @throws DiskError when the folder cannot be written
 */
export async function prepareDemoFolder(folder: string, names: readonly string[]): Promise<void> {
  const there: readonly string[] = await readdir(folder).catch(() => []);
  const own = await ownNames(folder);
  const strange = names.filter((name) => there.includes(name) && !own.includes(name));
  if (strange.length > 0) {
    throw new InputError(`--out: ${folder} holds ${strange.join(', ')}, which no demo wrote; give another folder.`);
  }
  for (const name of own) {
    if (names.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
  }
  await writeWhole(join(folder, MARK), `${JSON.stringify({ written: names })}\n`);
}

/** What an earlier demo wrote; nothing where there was none. */
async function ownNames(folder: string): Promise<readonly string[]> {
  try {
    const { written } = JSON.parse(await readFile(join(folder, MARK), 'utf8')) as { written?: unknown };
    return Array.isArray(written) ? written.map(String) : [];
  } catch {
    return [];
  }
}
