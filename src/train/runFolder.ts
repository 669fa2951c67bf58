import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Category } from '../data/groundTruth.js';
import { readJson } from '../data/json.js';
import type { NetConfig } from '../detector/net.js';
import type { Choices } from '../gpu/choices.js';
import type { Recipe } from '../losses/recipe.js';
import type { AdapterDescription } from '../tensor/device.js';
import { appendLine, removeLeftovers, writeWhole } from '../util/atomicFile.js';
import { claim } from '../util/claim.js';
import { InputError } from '../util/error.js';
import { exists } from '../util/folder.js';
import { checked } from '../util/schema.js';
import { isJson, type LogEntry, parseEntry } from './logEntry.js';
import isRun from './run.jsonschema';
import type { TrainSettings } from './settings.js';
import type { StudentRecord } from './student.js';
import type { TeacherConfig } from './teacher.js';

/** Where data and teacher come from, so that a report finds them again. */
export interface RunOrigin {
  /** Absolute path of the data folder, or `shapes`. */
  data: string;
  /** What it was trained on. */
  split: 'train' | 'val' | 'test';
  /** Absolute path of the teacher's run, of one of its .safetensors files, or of an ONNX model. */
  teacherRun?: string;
  /** Of an ONNX model: absolute path of its mapping. */
  teacherMapping?: string;
}

/** A run's `run.json`. */
export interface RunDescription {
  /** Of the package that wrote it. */
  version: string;
  /** ISO 8601 */
  started: string;
  /** What it was begun on. */
  adapter: AdapterDescription;
  /** Between variants of kernels. */
  choices: Choices;
  /** What is trained: without a size where `student` says what it is. */
  detector: NetConfig;
  /** What a net that is no detector of this package is made from; null where it is one. */
  student: StudentRecord | null;
  /** How many numbers the net learns. */
  parameters: number;
  /** Null where there was none. */
  teacher: TeacherConfig | null;
  /** `RunOrigin`'s; null without a teacher, or where the program did not say. */
  teacherRun: string | null;
  /** Likewise. */
  teacherMapping: string | null;
  /** What of the teacher's head was brought into the student's; null where it is the same, or there is no teacher. */
  teacherMatch: string | null;
  /** Whether the teacher's outputs came from a cache, rounded to half floats. */
  teacherCache: boolean;
  /** `RunOrigin`'s; null where the program that trained did not say. */
  data: string | null;
  /** Likewise. */
  split: string | null;
  /** In the order of the class logits. */
  classes: Category[];
  /** How many. */
  images: number;
  /** Complete. */
  recipe: Recipe;
  /** Complete. */
  settings: TrainSettings;
}

const LOG = 'log.jsonl';
const SETTINGS = 'run.json';
/** Marks a folder under work: `training.0`, or a higher number beside that of a killed training. */
const CLAIM = 'training';

/**
 * Takes a run's folder for the training of this process alone, and removes what a killed one left unfinished.
 * @returns gives it back
 * @throws InputError while another training works in it
 * @throws DiskError when it cannot be written
 */
export async function claimRun(folder: string): Promise<() => Promise<void>> {
  const claimed = await claim(folder, CLAIM);
  if ('heldBy' in claimed) {
    const { pid, host, since } = claimed.heldBy;
    throw new InputError(
      `${folder}: process ${pid} on ${host} has been training there since ${since}; wait until it ends, or give another folder.`,
    );
  }
  await removeLeftovers(folder);
  return claimed.release;
}

/** @throws InputError when a folder without a checkpoint holds a log or description that no training wrote */
export async function refuseStrange(folder: string): Promise<void> {
  const log = await readFile(join(folder, LOG), 'utf8').catch(() => '');
  const isStrange = (await exists(join(folder, SETTINGS))) && (await readRun(folder).catch(() => null)) === null;
  const strange = [...(log === '' ? [] : [LOG]), ...(isStrange ? [SETTINGS] : [])];
  if (strange.length === 0) return;
  throw new InputError(
    `${folder} holds ${strange.join(' and ')}, which would be replaced, but no checkpoint of a training; give another folder.`,
  );
}

/** Makes the folder of a new run: `run.json` and an empty log. @throws DiskError when it cannot be written */
export async function createRun(folder: string, description: RunDescription): Promise<void> {
  await writeWhole(join(folder, SETTINGS), `${JSON.stringify(description, null, 2)}\n`);
  await writeWhole(join(folder, LOG), '');
}

/** Reads a run's `run.json`; what older versions lack is null or false. @throws InputError when there is none, or not of a training */
export async function readRun(folder: string): Promise<RunDescription> {
  const file = join(folder, SETTINGS);
  const about = { file, whole: 'a run', remedy: 'give the folder of a run' };
  const of = { student: null, data: null, split: null };
  const added = {
    ...of,
    teacher: null,
    teacherRun: null,
    teacherMapping: null,
    teacherMatch: null,
    teacherCache: false,
  };
  return { ...added, ...checked<RunDescription>(await readJson(file), isRun, about) };
}

/** Adds an epoch to the log. @throws DeviceError when it cannot be written; the log is then as it was */
export async function appendLog(folder: string, entry: LogEntry): Promise<void> {
  await appendLine(join(folder, LOG), JSON.stringify(entry));
}

/** Reads a run's log, without a last line cut off. @throws InputError when the folder has none, or a line is not one of a log */
export async function readLog(folder: string): Promise<LogEntry[]> {
  const file = join(folder, LOG);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`${file} cannot be read (${error.code}); give the folder of a run.`);
  });
  const lines = text.split('\n');
  // Whole lines end with a line feed.
  const unfinished = lines.pop() ?? '';
  if (isJson(unfinished)) lines.push(unfinished);
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : [parseEntry(line, `${file}, line ${i + 1}`)]));
}

/**
 * Cuts the log back to a checkpoint: drops later and incomplete lines, and adds the last epoch's where a fault came between the two.
 * @returns the last line
 * @throws DeviceError when it cannot be written
 */
export async function rewindLog(
  folder: string,
  { step, epochTerms, last }: { step: number; epochTerms: readonly number[]; last: LogEntry | null },
): Promise<LogEntry | null> {
  // An epoch under way has terms: its line is still to come, even where all steps are done.
  const end = epochTerms.length > 0 ? step - 1 : step;
  const entries = (await readLog(folder)).filter((entry) => entry.step <= end);
  if (last && !entries.some((entry) => entry.step === last.step)) entries.push(last);
  await writeWhole(join(folder, LOG), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return entries.at(-1) ?? null;
}
