import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DetectionNet } from '../detector/net.js';
import { writeWhole } from '../util/atomicFile.js';
import { InputError } from '../util/error.js';

/** In the run's folder: the model as the training began, with replaced classes where asked for. */
export const STUDENT_MODEL = 'student.onnx';
const STUDENT_MAPPING = 'student.mapping.json';

/** What a net that is no detector of this package is made from, as its checkpoints have it. Plain JSON. */
export interface StudentRecord {
  /** What opens it: `restoreNet` of edgewise/onnx. */
  kind: 'onnx';
  /** Of the model, for messages. */
  name: string;
  /** SHA-256 of the model in the run's folder, hexadecimal. */
  graph: string;
  /** Where its head is: a mapping of docs/onnx.md. */
  mapping: object;
}

/** A net that a training is given, and what its run keeps to make it again. */
export interface GivenStudent {
  /** It learns in place, and stays the caller's. */
  net: DetectionNet;
  /** For the checkpoints. */
  record: StudentRecord;
  /** The model's bytes, whose hash the record has. */
  model: Uint8Array;
}

/**
 * Writes a student's model and mapping into its run's folder.
 * @throws InputError when the folder holds another model
 * @throws DiskError when it cannot be written
 */
export async function keepStudent(
  folder: string,
  { model, record }: Pick<GivenStudent, 'model' | 'record'>,
): Promise<void> {
  const file = join(folder, STUDENT_MODEL);
  const present = await readFile(file).catch(() => null);
  if (present && !present.equals(model)) {
    throw new InputError(`${folder} holds another ${STUDENT_MODEL}; give another folder.`);
  }
  if (!present) await writeWhole(file, model);
  await writeWhole(join(folder, STUDENT_MAPPING), `${JSON.stringify(record.mapping, null, 2)}\n`);
}
