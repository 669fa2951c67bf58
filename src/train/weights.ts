import { join } from 'node:path';
import { version } from '../../package.json';
import type { ParameterValues } from '../autograd/parameters.js';
import { assertFinite } from '../data/finite.js';
import { floatsOf } from '../data/floats.js';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../data/safetensors.js';
import type { Detector } from '../detector/detector.js';
import { InputError } from '../util/error.js';
import { isFolder } from '../util/folder.js';
import { AVERAGE, CHECKPOINT, type Checkpoint, isParameter } from './checkpoint.js';

/** Parameters of a detector by their names, such as `backbone.stem1.conv.weight`; docs/onnx.md lists them. */
export type Weights = ReadonlyMap<string, ParameterValues<Float32Array>>;

/** Metadata of a file of weights; each is JSON. */
const METADATA = ['detector', 'recipe', 'classes'] as const;

/** A run's weights for evaluation and teaching: the moving average where there is one. @throws InputError when one is not of type F32 */
export function weightsOf({ file, tensors }: Pick<Checkpoint, 'file' | 'tensors'>): Weights {
  const own = [...tensors].filter(([name]) => isParameter(name));
  const averaged = [...tensors].flatMap(([name, tensor]) =>
    name.startsWith(AVERAGE) ? [[name.slice(AVERAGE.length), tensor] as const] : [],
  );
  return new Map(
    (averaged.length > 0 ? averaged : own).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, data: floatsOf(tensor, `${file}: ${name}`) },
    ]),
  );
}

/** Writes a run's averaged weights, F32, with detector, recipe and classes in the metadata. @throws InputError when it cannot be written */
export async function saveWeights(file: string, checkpoint: Checkpoint): Promise<void> {
  const stored = [...weightsOf(checkpoint)].map(([name, { shape, data }]): [string, StoredTensor] => [
    name,
    { dtype: 'F32', shape: [...shape], data: data as Float32Array<ArrayBuffer> },
  ]);
  const metadata = METADATA.map((key) => [key, JSON.stringify(checkpoint.metadata[key])]);
  await writeSafetensors(file, stored, { ...Object.fromEntries(metadata), producer: `edgewise ${version}` });
}

/**
 * Reads weights to start a training from: a file of `saveWeights` or of another program with the same names, or a run's checkpoint, for its
 * average.
 * @param path of the file, or of a run's folder, for its latest state
 * @throws InputError when the file is missing or broken, or a tensor is not of type F32 or holds NaN or infinity
 */
export async function loadWeights(path: string): Promise<Weights> {
  const file = (await isFolder(path)) ? join(path, CHECKPOINT) : path;
  const { tensors } = await readSafetensors(file);
  assertFinite(file, tensors);
  return weightsOf({ file, tensors });
}

/** The parts of a detector, with which its parameters' names begin. */
export const DETECTOR_PARTS = ['backbone', 'neck', 'head'] as const;
/** One of `DETECTOR_PARTS`. */
export type DetectorPart = (typeof DETECTOR_PARTS)[number];

/**
 * Gives a detector weights in place of its initial ones.
 * @param parts only these take them; default: all
 * @throws InputError that names every missing and unexpected parameter, or one of another shape or with NaN or infinity
 */
export function applyWeights(
  { parameters, config }: Detector,
  weights: Weights,
  parts: readonly DetectorPart[] = DETECTOR_PARTS,
): void {
  const isTaken = (name: string) =>
    !DETECTOR_PARTS.some((part) => name.startsWith(`${part}.`) && !parts.includes(part));
  const taken = parameters.names.filter(isTaken);
  const missing = taken.filter((name) => !weights.has(name));
  const unexpected = [...weights.keys()].filter((name) => isTaken(name) && !taken.includes(name));
  if (missing.length > 0 || unexpected.length > 0) {
    const list = (what: string, names: readonly string[]) => (names.length > 0 ? [`${what} ${few(names)}`] : []);
    const wrong = [...list('missing:', missing), ...list('unexpected:', unexpected)].join('; ');
    throw new InputError(
      `weights: ${wrong}. A ${config.size} detector of strides ${config.strides.join(', ')} has ${parameters.names.length} parameters; give the size and strides that the weights were made for.`,
    );
  }
  const reshaped = taken.flatMap((name) => {
    const [own, other] = [parameters.get(name).value.shape, weights.get(name)?.shape ?? []];
    return own.join() === other.join() ? [] : [`${name} is [${other}], expected [${own}]`];
  });
  if (reshaped.length > 0) {
    throw new InputError(
      `weights: ${few(reshaped)}; give the size, classes (${config.classes}) and bins (${config.bins}) that they were made for.`,
    );
  }
  const given = [...weights].filter(([name]) => isTaken(name));
  assertFinite('weights', given);
  for (const [name, { data }] of given) parameters.get(name).value.write(data);
}

/** The first names, and how many more. */
function few(names: readonly string[]): string {
  const most = 4;
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
