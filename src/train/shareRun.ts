import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type StoredTensor, writeSafetensors } from '../data/safetensors.js';
import { InputError } from '../util/error.js';
import { exists } from '../util/folder.js';
import { halvesOfFloats } from '../util/half.js';
import { CHECKPOINT, checkpointHeader, loadCheckpoint } from './checkpoint.js';
import { appendLog, createRun, readLog, readRun } from './runFolder.js';
import { keepStudent, STUDENT_MODEL } from './student.js';
import { weightsOf } from './weights.js';

/**
 * Writes a run in short into another folder, to be given away: description, log and, as half floats, the weights for evaluation and teaching.
 * An eighth of the size; no training goes on from it. Paths of this machine are left out.
 * @throws InputError when `run` is none, or the folder holds a run
 * @throws DiskError when the folder cannot be written
 */
export async function shareRun(run: string, folder: string): Promise<void> {
  if (resolve(run) === resolve(folder) || (await exists(join(folder, CHECKPOINT)))) {
    throw new InputError(`${folder} holds a run already; give another folder.`);
  }
  const [checkpoint, description, log] = [await loadCheckpoint(run), await readRun(run), await readLog(run)];
  const halves = [...weightsOf(checkpoint)].map(([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { dtype: 'F16', shape: [...shape], data: halvesOfFloats(data) },
  ]);
  const data = description.data === 'shapes' ? description.data : null;
  await createRun(folder, { ...description, data, teacherRun: null, teacherMapping: null });
  for (const entry of log) await appendLog(folder, entry);
  const { student } = checkpoint.metadata;
  if (student)
    await keepStudent(folder, {
      model: await readFile(join(dirname(checkpoint.file), STUDENT_MODEL)),
      record: student,
    });
  await writeSafetensors(join(folder, CHECKPOINT), halves, checkpointHeader(checkpoint.metadata));
}
