import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DetectionNet } from '../detector/net.js';
import type { Device } from '../tensor/device.js';
import type { StoredType } from '../tensor/stored.js';
import {
  type Checkpoint,
  type CheckpointUse,
  precisionOf,
  restoreDetector,
  restoreParameters,
} from '../train/checkpoint.js';
import { type GivenStudent, STUDENT_MODEL } from '../train/student.js';
import { weightsOf } from '../train/weights.js';
import { InputError } from '../util/error.js';
import { exportStudent } from './graph/exportStudent.js';
import { GraphStudent, type GraphStudentOptions } from './graph/student.js';
import { checkMapping, type MappedModel, type OnnxMapping } from './mapping.js';

/** An ONNX model as the student of a training. */
export interface OpenStudent extends GivenStudent {
  /** It learns in place, and stays the caller's. */
  net: GraphStudent;
}

/**
 * Opens a model as the student of a training: `train({ student: await openStudent(device, options) })`. The run's folder keeps the model
 * and its mapping, so that `restoreNet` opens its checkpoints.
 * @throws InputError as `GraphStudent.open`
 */
export async function openStudent(device: Device, options: GraphStudentOptions): Promise<OpenStudent> {
  const net = await GraphStudent.open(device, options);
  const { model, mapping } = net;
  return {
    net,
    model,
    record: { kind: 'onnx', name: basename(options.name ?? 'model'), graph: hashOf(model), mapping },
  };
}

/**
 * Makes the net of a checkpoint: a detector of this package, or an ONNX model that learned, for which the run's folder holds the model.
 * It is the `restore` of `resumeTraining`.
 * @param use `average`: the moving average where there is one, for evaluation and teaching; `trained`: the parameters
 * @param precision of its maps, as in `restoreDetector`
 * @throws InputError when the model is missing beside the checkpoint or another than the one that learned, or a parameter is missing or of
 *   another shape
 */
export async function restoreNet(
  device: Device,
  checkpoint: Checkpoint,
  use: CheckpointUse,
  precision?: StoredType,
): Promise<DetectionNet> {
  const { student, detector, classes, settings } = checkpoint.metadata;
  if (!student) return restoreDetector(device, checkpoint, use, precision);
  const { model, name, mapping } = await studentOf(checkpoint);
  const net = await GraphStudent.open(device, {
    ...{ model, name, mapping },
    ...{ width: detector.width, height: detector.height, batch: settings.batch },
    precision: precision ?? precisionOf(device, checkpoint, use),
    classes: classes.map((one) => one.name),
  });
  return restoreParameters(net, checkpoint, use);
}

/**
 * The file that a training of an ONNX model began with, with what it has learned: the moving average where there is one.
 * @returns the model, and the mapping that it goes with
 * @throws InputError when the checkpoint is of a detector of this package, or its model is missing or another
 */
export async function exportOnnxStudent(checkpoint: Checkpoint): Promise<MappedModel> {
  const { recipe, step } = checkpoint.metadata;
  const metadata = { recipe: JSON.stringify(recipe), steps: String(step) };
  return exportStudent({ ...(await studentOf(checkpoint)), weights: weightsOf(checkpoint), metadata });
}

/** The model beside a checkpoint. */
async function studentOf({
  file,
  metadata: { student },
}: Checkpoint): Promise<{ model: Uint8Array; name: string; mapping: OnnxMapping }> {
  if (!student) throw new InputError(`${file} is of a detector of edgewise, not of an ONNX model.`);
  const name = join(dirname(file), STUDENT_MODEL);
  const model = await readFile(name).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(
      `${name} cannot be read (${error.code}); the model that a run began with lies beside its checkpoints.`,
    );
  });
  if (hashOf(model) !== student.graph) {
    throw new InputError(
      `${name} is not the model that learned: its SHA-256 is not that of ${basename(file)}. Put back the run's own file.`,
    );
  }
  return { model, name, mapping: checkMapping(student.mapping, `${file}: student.mapping`) };
}

function hashOf(model: Uint8Array): string {
  return createHash('sha256').update(model).digest('hex');
}
