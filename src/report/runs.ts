import { basename, dirname, join, resolve } from 'node:path';
import { type Checkpoint, loadCheckpoint } from '../train/checkpoint.js';
import type { LogEntry } from '../train/logEntry.js';
import { type RunDescription, readLog, readRun } from '../train/runFolder.js';
import { isFolder } from '../util/folder.js';
import type { Role } from './types.js';

/** What a run's folder holds. */
export interface OpenRun {
  folder: string;
  name: string;
  role: Role;
  /** Folder of the teacher's run, where the run names one. */
  teacherFolder: string | null;
  checkpoint: Checkpoint;
  description: RunDescription;
  log: LogEntry[];
}

/**
 * Opens runs, and the teachers that they name and that are still there; teachers come first.
 * @throws InputError when a folder holds no run
 */
export async function openRuns(folders: readonly string[]): Promise<OpenRun[]> {
  const given = [...new Set(folders.map((folder) => resolve(folder)))];
  const opened = await Promise.all(given.map(openRun));
  const named = opened.flatMap(({ teacherFolder }) => teacherFolder ?? []);
  for (const folder of new Set(named)) {
    if (!given.includes(folder) && (await isFolder(folder))) opened.push(await openRun(folder));
  }
  const isTeacher = (run: OpenRun) =>
    named.length > 0
      ? named.includes(run.folder)
      : run.description.teacher === null && opened.some(({ description }) => description.teacher !== null);
  const hasTeacher = opened.some(isTeacher);
  const role = (run: OpenRun): Role => (isTeacher(run) ? 'teacher' : hasTeacher ? 'student' : 'detector');
  const withRoles = opened.map((run) => ({ ...run, role: role(run), name: nameAmong(run.folder, opened) }));
  return [...withRoles.filter((run) => run.role === 'teacher'), ...withRoles.filter((run) => run.role !== 'teacher')];
}

async function openRun(folder: string): Promise<OpenRun> {
  const description = await readRun(folder); // first: what is no run is told by what it lacks first
  const [checkpoint, log] = await Promise.all([loadCheckpoint(folder), readLog(folder)]);
  const { teacherRun } = description;
  const teacherFolder = teacherRun === null ? null : await folderOf(teacherRun);
  return { folder, name: basename(folder), role: 'detector', teacherFolder, checkpoint, description, log };
}

/** The folder's name, with its parent's if another has the same name. */
function nameAmong(folder: string, runs: readonly { folder: string }[]): string {
  const name = basename(folder);
  const isShared = runs.some((other) => other.folder !== folder && basename(other.folder) === name);
  return isShared ? `${basename(join(folder, '..'))}/${name}` : name;
}

/** Of a run, where its path may be that of a file in it. */
async function folderOf(path: string): Promise<string> {
  const full = resolve(path);
  return (await isFolder(full)) ? full : dirname(full);
}
