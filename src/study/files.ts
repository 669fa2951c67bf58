import { join } from 'node:path';
import type { Choices } from '../gpu/choices.js';
import type { AdapterDescription } from '../tensor/device.js';
import { writeError } from '../util/atomicFile.js';
import { InputError } from '../util/error.js';
import { exists, makeFolder, namesIn } from '../util/folder.js';

/** The files of a study's folder, beside `results.json` and `results.md`. */
export const FILES = {
  /** A `StudyDescription`. */
  description: 'study.json',
  /** A `PlanRecord` of each plan. */
  plans: 'plans',
  /** A folder for each run, NAME-HASH. */
  runs: 'runs',
  claims: 'claims',
  /** Outputs of teachers, of the runs that are under way. */
  teacherCache: 'teacher-cache',
  /** A `RunRecord`, in a run's folder. */
  run: 'study-run.json',
  results: 'results.json',
  markdown: 'results.md',
} as const;

/** What all runs of a study share; fixed by its first process. */
export interface StudyDescription {
  /** Of the package. */
  version: string;
  adapter: AdapterDescription;
  /** Variants of kernels: the same bits need the same variants, even if the adapter is tuned later. */
  choices: Partial<Choices>;
  data: { name: string; identity: string; train: number; validation: number };
}

/** JSON for people. */
export function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * Makes the folder that is to be a study's.
 * @throws InputError when it is none yet but holds something that a study would replace
 * @throws DiskError when it cannot be made
 */
export async function refuseStrange(folder: string): Promise<void> {
  await make(folder);
  const strange: string[] = [];
  for (const name of new Set(Object.values(FILES))) if (await exists(join(folder, name))) strange.push(name);
  // Asked last: the first process of a study writes it before all else.
  if (strange.length === 0 || (await exists(join(folder, FILES.description)))) return;
  throw new InputError(`${folder} holds ${strange.join(', ')} but is no study's folder; give another.`);
}

/** Makes the folders in a study's. @throws DiskError when it cannot be written */
export async function makeStudyFolder(folder: string): Promise<void> {
  for (const part of [FILES.plans, FILES.runs, FILES.claims]) await make(join(folder, part));
}

async function make(folder: string): Promise<void> {
  await makeFolder(folder).catch((error: unknown) => {
    throw writeError(folder, error);
  });
}

/** The folder of a run by its hash, whatever it is called; undefined where there is none. */
export async function findRun(study: string, hash: string): Promise<string | undefined> {
  const runs = join(study, FILES.runs);
  const found = (await namesIn(runs)).find((name) => name.endsWith(`-${hash}`));
  return found && join(runs, found);
}
