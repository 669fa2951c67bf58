import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FILES } from '../study/files.js';
import { collectResults } from '../study/results.js';
import type { StudyResults } from '../study/types.js';
import { InputError } from '../util/error.js';
import { type OpenRun, openRuns } from './runs.js';

/** What a report is made of. */
export interface Inputs {
  /** Teachers first. */
  runs: OpenRun[];
  study: StudyResults | null;
}

/**
 * Opens runs and studies by their folders. Of a study, one run of each method is looked at: that of the first seed which is
 * finished.
 * @throws InputError when a folder holds neither, or there are two studies, or a study of which nothing is finished
 */
export async function openInputs(folders: readonly string[]): Promise<Inputs> {
  const studies: string[] = [];
  for (const folder of folders) if (await isStudy(folder)) studies.push(folder);
  if (studies.length > 1) {
    throw new InputError(`${studies.join(', ')} are two studies; give one, and any runs to compare it with.`);
  }
  const runs = folders.filter((folder) => !studies.includes(folder));
  const [folder] = studies;
  if (folder === undefined) return { runs: await openRuns(runs), study: null };
  const study = await collectResults(folder);
  const methods = new Map<string, string>();
  for (const run of study.runs) {
    if (run.finished && run.folder !== null && !methods.has(run.method)) methods.set(run.method, run.folder);
  }
  if (methods.size === 0)
    throw new InputError(`${folder}: none of its runs is finished yet; go on with edgewise study.`);
  const own = [...methods.values()].map((path) => resolve(folder, path));
  const opened = await openRuns([...own, ...runs]);
  const names = new Map([...methods].map(([method, path]) => [resolve(folder, path), method]));
  return { runs: opened.map((run) => ({ ...run, name: names.get(run.folder) ?? teacherName(run) })), study };
}

/** The plan's name for a run of a study; otherwise the run's own name. */
function teacherName({ name }: OpenRun): string {
  return name.replace(/^teacher-(.+)-s\d+-[0-9a-f]{10}$/, 'Teacher $1');
}

function isStudy(folder: string): Promise<boolean> {
  return stat(join(folder, FILES.description)).then(
    () => true,
    () => false,
  );
}
