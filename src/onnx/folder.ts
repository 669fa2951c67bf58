import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { version } from '../../package.json';
import { readJson } from '../data/json.js';
import { removeLeftovers, writeWhole } from '../util/atomicFile.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { checkMapping, type OnnxMapping } from './mapping.js';
import { readModel } from './readModel.js';

const DESCRIPTION = 'teacher.json';
const MODEL = 'model.onnx';
const CACHE = 'cache';
/** Of a side; more is a broken file. */
const MAX_PIXELS = 16_384;

/** A folder with an ONNX model, its mapping, and what it said of the images of trainings. */
export interface OnnxTeacherFolder {
  folder: string;
  mapping: OnnxMapping;
  /** Pixels of the images it is given. */
  width: number;
  height: number;
}

/** Whether a path is a folder of `edgewise teach`. */
export async function isTeacherFolder(path: string): Promise<boolean> {
  return stat(join(path, DESCRIPTION)).then(
    (entry) => entry.isFile(),
    () => false,
  );
}

/**
 * Makes a teacher's folder, or takes one that holds this teacher already.
 * @throws InputError when it holds another teacher or model
 * @throws DiskError when it cannot be written
 */
export async function createTeacherFolder(teacher: OnnxTeacherFolder, model: Uint8Array): Promise<void> {
  if (await holdsTeacher(teacher, model)) return;
  const { folder, ...rest } = teacher;
  const description = `${JSON.stringify({ version, ...rest }, null, 2)}\n`;
  const file = join(folder, MODEL);
  const present = await readFile(file).catch(() => null);
  if (present && !present.equals(model)) {
    throw new InputError(`${folder} holds a ${MODEL} that is not a teacher's; give another folder.`);
  }
  await writeWhole(file, model);
  await writeWhole(join(folder, DESCRIPTION), description);
  await removeLeftovers(folder);
}

/**
 * Whether a folder holds this teacher; false where it holds none.
 * @throws InputError when it holds another
 */
export async function holdsTeacher(teacher: OnnxTeacherFolder, model: Uint8Array): Promise<boolean> {
  const { folder } = teacher;
  if (!(await isTeacherFolder(folder))) return false;
  const isSame = JSON.stringify(await readTeacherFolder(folder)) === JSON.stringify(teacher);
  if (isSame && (await readFile(join(folder, MODEL)).catch(() => null))?.equals(model)) return true;
  throw new InputError(`${folder} holds another teacher, mapping or image size; give another folder.`);
}

/** @throws InputError when its description is missing or wrong */
export async function readTeacherFolder(folder: string): Promise<OnnxTeacherFolder> {
  const file = join(folder, DESCRIPTION);
  const { mapping: given, width, height } = ((await readJson(file)) ?? {}) as Partial<OnnxTeacherFolder>;
  const mapping = checkMapping(given, file);
  const largest = Math.max(...mapping.strides);
  for (const [name, pixels] of Object.entries({ width, height })) {
    const isWhole = Number.isInteger(pixels) && (pixels as number) % largest === 0;
    if (isWhole && (pixels as number) > 0 && (pixels as number) <= MAX_PIXELS) continue;
    throw new InputError(
      `${file}: ${name} is ${brief(pixels)}; expected a multiple of ${largest}. Make the folder again with edgewise teach.`,
    );
  }
  return { folder, mapping, width: width as number, height: height as number };
}

/** Where the outputs of a folder's teacher are kept. */
export function cacheOfFolder({ folder }: OnnxTeacherFolder): string {
  return join(folder, CACHE);
}

/** The model of a folder. @throws InputError when there is none */
export async function readTeacherModel(folder: string): Promise<{ model: Uint8Array; name: string }> {
  return readModel(join(folder, MODEL));
}
