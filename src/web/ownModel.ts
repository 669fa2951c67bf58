/** ONNX models of the visitor's: loaded when the first is dropped. */
import { parseJson } from '../data/json.js';
import type { DetectionNet } from '../detector/net.js';
import { HOW, withWeightsInside } from '../onnx/externalData.js';
import { exportStudent } from '../onnx/graph/exportStudent.js';
import { GraphStudent, type GraphStudentOptions } from '../onnx/graph/student.js';
import { checkMapping, type MappedModel } from '../onnx/mapping.js';
import { imageSizeOf } from '../onnx/outputs.js';
import type { Device } from '../tensor/device.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import type { Size } from './data.js';
import { matchPaths } from './matchPaths.js';
import type { DroppedFile, GivenModel } from './protocol.js';

/** A dropped model and its mapping, checked. */
export interface ReadModel extends MappedModel, Size {
  name: string;
}

/**
 * Reads a dropped model and its mapping.
 * @param open pixels of its images, where the file leaves them open
 * @throws InputError when one of them is none, or the size is no multiple of the largest stride
 */
export async function readGiven({ model, mapping, beside }: GivenModel, open: Size): Promise<ReadModel> {
  const { name } = mapping.file;
  const text = (await mapping.file.text()).replace(/^\uFEFF/, '');
  const given = { ...(await readWhole(model, beside)), mapping: checkMapping(parseJson(text, name), name) };
  return { ...given, ...(await imageSizeOf(given, open)) };
}

/** A model with the weights inside that lie in files dropped with it. */
async function readWhole({ file }: DroppedFile, beside: readonly DroppedFile[]) {
  const { name } = file;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const paths = beside.map(({ path }) => path);
  const find = async (location: string) => {
    const [index] = matchPaths([location], paths);
    if (index < 0) {
      throw new InputError(
        `${name}: its weights are in ${brief(location)}, which was not dropped. Drop both together, or ${HOW}.`,
      );
    }
    const { file: weights } = beside[index];
    const read = async (offset: number, length: number) =>
      new Uint8Array(await weights.slice(offset, offset + length).arrayBuffer());
    return { size: weights.size, read };
  };
  return { model: await withWeightsInside(bytes, name, find), name };
}

/** @throws InputError as `GraphStudent.open` */
export function openModel(
  device: Device,
  model: ReadModel,
  options: Omit<GraphStudentOptions, keyof ReadModel>,
): Promise<GraphStudent> {
  return GraphStudent.open(device, { ...model, ...options });
}

/** A student's file with what it has learned. @throws InputError where it is no dropped model's */
export async function saveModel(net: DetectionNet, metadata: Readonly<Record<string, string>>): Promise<MappedModel> {
  if (!(net instanceof GraphStudent)) throw new InputError('save: the students are not of a dropped model; drop one.');
  const { model, mapping, parameters } = net;
  const weights = parameters.split((await parameters.values.read()) as Float32Array);
  return exportStudent({ model, mapping, weights, metadata });
}
