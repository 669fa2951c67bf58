import { join } from 'node:path';
import { version } from '../../package.json';
import type { ParameterStore } from '../autograd/parameters.js';
import { assertFinite } from '../data/finite.js';
import { floatsOf } from '../data/floats.js';
import type { Category } from '../data/groundTruth.js';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../data/safetensors.js';
import { type DetectorConfig, detectorConfig } from '../detector/config.js';
import { Detector } from '../detector/detector.js';
import type { DetectionNet, NetConfig } from '../detector/net.js';
import type { Choices } from '../gpu/choices.js';
import { TERM_NAMES } from '../losses/headTerms.js';
import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import type { StoredType } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { isFolder } from '../util/folder.js';
import { faultsIn } from '../util/schema.js';
import isMetadata from './checkpoint.jsonschema';
import { COMPANIONS, companionsOf, type Learner } from './learner.js';
import type { LogEntry } from './logEntry.js';
import { checkEntry } from './logEntry.js';
import type { LossScaleState } from './lossScale.js';
import type { Optimizer } from './optimizer.js';
import { setProvenance } from './provenance.js';
import { type TrainSettings, trainSettings } from './settings.js';
import type { StudentRecord } from './student.js';

/** The latest state of a run. */
export const CHECKPOINT = 'checkpoint.safetensors';
/** The state of best AP on the validation set, without the optimizer's memory. */
export const BEST = 'best.safetensors';

const METADATA_KEY = 'edgewise';
/** Prefix of the moving average's names. */
export const AVERAGE = 'ema.';
const OPTIMIZER = 'optimizer.';

/** All of a training that is not a tensor. */
export interface CheckpointMetadata {
  /** Of the package that wrote it. */
  version: string;
  /** What the parameters belong to: without a size where `student` says what it is. */
  detector: NetConfig;
  /** Of a net that is no detector of this package: what it is made from. */
  student?: StudentRecord;
  /** What it is trained by. */
  recipe: Recipe;
  /** In the order of the class logits. */
  classes: Category[];
  /** Of the training. */
  settings: TrainSettings;
  /** Between variants of kernels: the same bits need the same. */
  choices: Partial<Choices>;
  /** Whether the teacher's outputs came from a cache, rounded to half floats: the same bits need the same. */
  teacherCache: boolean;
  /** Steps done since the start of the training. */
  step: number;
  /** Steps an epoch: with the images, it fixes what the next step sees. */
  stepsPerEpoch: number;
  /** Sums of the loss terms, [8, levels], over the steps done of an epoch under way. */
  epochTerms: number[];
  /** Largest AP on the validation set so far; −1 before any. */
  bestAp: number;
  /** Of a training whose maps are stored in f16, from its first steps on. */
  lossScale?: LossScaleState;
  /** The last epoch's line of the log, its clock at 0: a log that a fault kept it out of gets it again. */
  last: LogEntry | null;
}

/** A checkpoint as it was read. */
export interface Checkpoint {
  /** Where it was found. */
  file: string;
  /** All that is not a tensor. */
  metadata: CheckpointMetadata;
  /** Parameters by their names, their moving average as `ema.NAME`, the optimizer's memory as `optimizer.MEMORY.NAME`. */
  tensors: Map<string, StoredTensor>;
}

/**
 * Writes parameters, their moving average (`ema.…`), the optimizer's memory (`optimizer.momentum.…`), the same of what learns beside the
 * student (`adapter.…`, `cross.…`) and the metadata as one safetensors file, atomically.
 * @param withState false: only parameters and moving average, for evaluation and teaching
 * @throws InputError when the folder cannot be written
 */
export async function saveCheckpoint(
  file: string,
  learner: Pick<Learner, 'optimizer' | 'adapter' | 'cross'>,
  metadata: Omit<CheckpointMetadata, 'version'>,
  { withState = true } = {},
): Promise<void> {
  const stored = await storedTensors(learner.optimizer, '', withState);
  for (const [name, companion] of withState ? companionsOf(learner) : []) {
    stored.push(...(await storedTensors(companion, `${name}.`, true)));
  }
  await writeSafetensors(file, stored, checkpointHeader({ version, ...metadata }));
}

/** What marks a safetensors file as a checkpoint. */
export function checkpointHeader(metadata: CheckpointMetadata): Record<string, string> {
  return { [METADATA_KEY]: JSON.stringify(metadata) };
}

async function storedTensors({ parameters, average, state }: Optimizer, part: string, withState: boolean) {
  const flat: [string, Tensor][] = [['', parameters.values]];
  if (average) flat.push([AVERAGE, average]);
  if (withState) for (const [name, tensor] of Object.entries(state)) flat.push([`${OPTIMIZER}${name}.`, tensor]);
  const stored: [string, StoredTensor][] = [];
  for (const [prefix, tensor] of flat) {
    const parts = parameters.split((await tensor.read()) as Float32Array);
    for (const [name, { shape, data }] of parts) {
      const values = data as Float32Array<ArrayBuffer>;
      stored.push([part + prefix + name, { dtype: 'F32', shape: [...shape], data: values }]);
    }
  }
  return stored;
}

/**
 * Reads a checkpoint.
 * @param path of the file, or of a run's folder, for its latest state
 * @throws InputError when it is missing, cut short, not a checkpoint of this package, or holds NaN or infinity
 */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const file = (await isFolder(path)) ? join(path, CHECKPOINT) : path;
  const { tensors, metadata } = await readSafetensors(file);
  const text = metadata[METADATA_KEY];
  if (text === undefined) {
    throw new InputError(
      `${file} is a safetensors file, but no checkpoint of edgewise (its metadata lack '${METADATA_KEY}').`,
    );
  }
  assertFinite(file, tensors);
  try {
    return { file, tensors, metadata: checkMetadata(JSON.parse(text)) };
  } catch (cause) {
    throw new InputError(
      `${file}: version ${version} does not understand its metadata (${(cause as Error).message}); was it written by another version?`,
      { cause },
    );
  }
}

/** @throws InputError that names what is missing or wrong */
function checkMetadata(value: unknown): CheckpointMetadata {
  const faults = faultsIn(value, isMetadata, 'the metadata');
  if (faults !== null) throw new InputError(faults);
  const read = value as CheckpointMetadata;
  const { student } = read;
  const detector = student ? netConfig(read.detector) : detectorConfig(read.detector as DetectorConfig);
  const { classes, epochTerms, step, stepsPerEpoch, bestAp, lossScale } = read;
  if (classes.length !== detector.classes) {
    throw new InputError(`detector.classes is ${detector.classes}, but classes has ${classes.length} entries`);
  }
  const levels = detector.strides.length;
  const terms = TERM_NAMES.length * levels;
  const isOlder = epochTerms.length === terms - levels;
  if (epochTerms.length !== 0 && epochTerms.length !== terms && !isOlder) {
    throw new InputError(`epochTerms has ${epochTerms.length} entries, expected ${terms} or none`);
  }
  return {
    version: read.version ?? 'unknown',
    detector,
    ...(student && { student }),
    recipe: resolveRecipe(read.recipe),
    classes: classes.map(({ id, name }) => ({ id, name })),
    settings: trainSettings(read.settings),
    choices: read.choices ?? {},
    teacherCache: read.teacherCache ?? false,
    step,
    stepsPerEpoch,
    epochTerms: isOlder ? withoutIou(epochTerms, levels) : epochTerms,
    bestAp,
    ...(lossScale && { lossScale }),
    last: read.last ? checkEntry(read.last, 'last') : null,
  };
}

/** The same of a net without a size. */
function netConfig(read: NetConfig): NetConfig {
  const { size: _, ...config } = detectorConfig({ ...read, size: 'tiny' });
  return config;
}

/** Older versions had no IoU distillation, which is then 0. */
function withoutIou(epochTerms: readonly number[], levels: number): number[] {
  const at = levels * TERM_NAMES.indexOf('loss_ld_iou');
  return [...epochTerms.slice(0, at), ...Array<number>(levels).fill(0), ...epochTerms.slice(at)];
}

/** Which parameters: the moving average where there is one, for evaluation and teaching, or those that learn. */
export type CheckpointUse = 'average' | 'trained';

/**
 * Builds a checkpoint's detector.
 * @param precision of its maps; default: `precisionOf`
 * @throws DeviceError for f16 on an adapter without it
 * @throws InputError when a parameter is missing or has another shape, or for an ONNX model's
 */
export function restoreDetector(
  device: Device,
  checkpoint: Checkpoint,
  use: CheckpointUse,
  precision?: StoredType,
): Detector {
  const { seed } = checkpoint.metadata.settings;
  const detector = new Detector(device, detectorOf(checkpoint), {
    seed,
    precision: precision ?? precisionOf(device, checkpoint, use),
  });
  return restoreParameters(detector, checkpoint, use);
}

/** What a checkpoint's net stores its maps in: as its training did, but an average in f32 where the adapter has no f16. */
export function precisionOf({ gpu }: Device, { metadata }: Checkpoint, use: CheckpointUse): StoredType {
  return use === 'average' && !gpu.features.has('shader-f16') ? 'f32' : metadata.settings.precision;
}

/** What a checkpoint's detector is made from. @throws InputError when it is of an ONNX model */
export function detectorOf({
  file,
  metadata: { detector, student },
}: Pick<Checkpoint, 'file' | 'metadata'>): DetectorConfig {
  const { size } = detector;
  if (size !== undefined) return { ...detector, size };
  throw new InputError(
    `${file} is of the ONNX model ${student?.name}, not of a detector of edgewise; restoreNet of edgewise/onnx opens it.`,
  );
}

/** What a net is called in tables: its size, or its model's name. */
export function netNameOf({ metadata: { detector, student } }: Pick<Checkpoint, 'metadata'>): string {
  return detector.size ?? student?.name ?? '';
}

/**
 * Gives a net the parameters of a checkpoint and its provenance. Disposes it where it is not the checkpoint's.
 * @throws InputError when a parameter is missing or of another shape
 */
export function restoreParameters<Net extends DetectionNet>(net: Net, checkpoint: Checkpoint, use: CheckpointUse): Net {
  try {
    const prefix = use === 'average' && hasPrefix(checkpoint, AVERAGE) ? AVERAGE : '';
    net.parameters.values.write(joined(checkpoint, net.parameters, prefix));
    setProvenance(net, checkpoint.metadata);
    return net;
  } catch (error) {
    net.dispose();
    throw error;
  }
}

/**
 * Gives a learner its loss scale, its optimizer the memory, moving average and count of updates, and what learns beside the student these and
 * its weights.
 * @throws InputError when the checkpoint was written without them, or by another optimizer
 */
export function restoreLearner(
  learner: Pick<Learner, 'optimizer' | 'adapter' | 'cross' | 'lossScale'>,
  checkpoint: Checkpoint,
) {
  const { lossScale } = checkpoint.metadata;
  if (lossScale) learner.lossScale?.write(lossScale);
  restoreOptimizer(learner.optimizer, checkpoint, '');
  for (const [name, companion] of companionsOf(learner)) {
    const { parameters } = companion;
    parameters.values.write(joined(checkpoint, parameters, `${name}.`));
    restoreOptimizer(companion, checkpoint, `${name}.`);
  }
}

function restoreOptimizer(optimizer: Optimizer, checkpoint: Checkpoint, part: string): void {
  const { parameters, state, average } = optimizer;
  for (const [name, tensor] of Object.entries(state)) {
    const prefix = `${part}${OPTIMIZER}${name}.`;
    if (!hasPrefix(checkpoint, prefix)) {
      throw new InputError(
        `${checkpoint.file} holds no ${prefix}*: no training can go on from it. Give a run's ${CHECKPOINT}; ${BEST} is for evaluation.`,
      );
    }
    tensor.write(joined(checkpoint, parameters, prefix));
  }
  average?.write(joined(checkpoint, parameters, part + AVERAGE));
  optimizer.updates = checkpoint.metadata.step;
}

/** Whether a stored tensor is a parameter of the net. */
export function isParameter(name: string): boolean {
  return ![AVERAGE, OPTIMIZER, ...COMPANIONS.map((companion) => `${companion}.`)].some((prefix) =>
    name.startsWith(prefix),
  );
}

function hasPrefix({ tensors }: Checkpoint, prefix: string): boolean {
  return [...tensors.keys()].some((name) => name.startsWith(prefix));
}

/** All tensors of a prefix as one flat array. */
function joined({ file, tensors }: Checkpoint, parameters: ParameterStore, prefix: string): Float32Array {
  const parts = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [name, tensor] of tensors) {
    if (!name.startsWith(prefix)) continue;
    parts.set(name.slice(prefix.length), { shape: tensor.shape, data: floatsOf(tensor, `${file}: ${name}`) });
  }
  try {
    return parameters.join(parts);
  } catch (cause) {
    throw new InputError(`${file}: ${prefix}${(cause as Error).message}`, { cause });
  }
}
