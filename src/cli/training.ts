import { join, resolve } from 'node:path';
import { type DetectorConfig, detectorConfig } from '../detector/config.js';
import type { DetectionNet, NetConfig } from '../detector/net.js';
import type { Recipe } from '../losses/recipe.js';
import { restoreNet } from '../onnx/students.js';
import type { Device } from '../tensor/device.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import type { TrainContext, TrainResult } from '../train/context.js';
import type { TrainProgress } from '../train/progress.js';
import { isLeader } from '../train/ranks.js';
import { type TrainSettings, trainSettings } from '../train/settings.js';
import type { GivenStudent } from '../train/student.js';
import type { Teacher } from '../train/teacher.js';
import { resumeTraining, train } from '../train/train.js';
import { type DetectorPart, loadWeights, type Weights } from '../train/weights.js';
import { percent } from '../util/figures.js';
import { pathName } from '../util/pathName.js';
import { type AdapterOptions, type Outcome, withDevice, withDeviceAgain } from './command.js';
import { type Data, type DataOptions, openFitting } from './data.js';
import { interruption } from './interruption.js';
import { progressReporter } from './progress.js';
import type { FoundStudent } from './student.js';
import { RUNS, type TrainingOptions } from './trainingOptions.js';

/** Of a detector that no teacher fixes. GFocal: reg_max 16; the strides of small images. */
export const DEFAULTS = { bins: 17, strides: [8, 16, 32] };
/**
 * The detector that the options describe.
 * @param defaults what the options leave out; sizes are rounded up to whole strides
 * @throws InputError that names the field, its value and what is allowed
 */
export function configOf(
  options: Pick<TrainingOptions, 'size' | 'bins' | 'strides' | 'width' | 'height'>,
  defaults: { classes: number; width: number; height: number; strides: readonly number[]; bins: number },
): DetectorConfig {
  const { size, bins = defaults.bins, strides = defaults.strides } = options;
  const largest = Math.max(...strides);
  const whole = (pixels: number) => Math.ceil(pixels / largest) * largest;
  const { width = whole(defaults.width), height = whole(defaults.height) } = options;
  return detectorConfig({ size, classes: defaults.classes, bins, strides, width, height });
}

export interface Training {
  data: Data;
  validation: Data | null;
  /** What learns: of an ONNX model without a size. */
  detector: NetConfig;
  /** An ONNX model; null where a detector of edgewise learns, undefined where a run goes on. */
  student?: FoundStudent | null;
  recipe: Recipe;
  settings: Partial<TrainSettings>;
  /** Initial ones; random where there are none. */
  weights?: Weights | null;
  /** Of the detector, those that take the weights; all unless given. */
  weightParts?: readonly DetectorPart[];
  folder: string;
}

/** What a student learns from, and how the training is run. */
interface RunOptions
  extends Pick<TrainContext, 'teacher' | 'teacherCache' | 'recompute' | 'checkpointEvery' | 'ranks'> {
  /** Where the teacher was found. */
  teacherRun?: string;
  /** And its mapping, of an ONNX model. */
  teacherMapping?: string;
  /** The folder's own detector, recipe and settings count instead of the given ones. */
  resume?: boolean;
  /** Called after some of the steps, before they are saved. */
  onSteps?: () => void;
}

/** A teacher on a device. */
export interface OpenTeacher {
  teacher: DetectionNet | Teacher;
  close(): Promise<void>;
}

/**
 * Runs a training on a device of its own. Where that is lost, the training goes on from its last checkpoint, once.
 * @param open opens its teacher on a device
 */
export async function trainOnDevice(
  options: AdapterOptions,
  training: Training,
  { open, ...run }: Omit<RunOptions, 'teacher' | 'onSteps'> & { open?: (device: Device) => Promise<OpenTeacher> },
): Promise<TrainResult> {
  // Without steps the folder may hold another training: this one then begins anew, and is refused.
  let hasSteps = false;
  const onSteps = () => {
    hasSteps = true;
  };
  // One of several processes cannot go on alone: all of them end.
  const onDevice: typeof withDeviceAgain = run.ranks
    ? (given, work) => withDevice(given, (device) => work(device, false))
    : withDeviceAgain;
  return onDevice(options, async (device, again) => {
    const opened = await open?.(device);
    const teacher = opened && { teacher: opened.teacher };
    try {
      return await runTraining(device, training, {
        ...run,
        ...teacher,
        resume: run.resume === true || (again && hasSteps),
        onSteps,
      });
    } finally {
      await opened?.close();
    }
  });
}

/**
 * Trains, or goes on with a training, and shows its progress on stderr. Ctrl-C, SIGTERM or SIGHUP finish the step,
 * save and return.
 */
export async function runTraining(
  device: Device,
  { data, validation, detector, student, recipe, settings, weights, weightParts, folder }: Training,
  { resume = false, teacherRun, teacherMapping, onSteps, ...rest }: RunOptions = {},
): Promise<TrainResult> {
  const progress = progressReporter();
  const { signal, dispose } = interruption();
  const context = {
    device,
    source: data.source,
    folder,
    signal,
    onProgress: (event: TrainProgress) => {
      if (event.kind === 'step') onSteps?.();
      if (isLeader(rest)) progress.report(event);
    },
    ...(validation && { validation: validation.source }),
    ...rest,
    origin: {
      data: data.path,
      split: data.split,
      ...(teacherRun !== undefined && { teacherRun: resolve(teacherRun) }),
      ...(teacherMapping !== undefined && { teacherMapping: resolve(teacherMapping) }),
    },
  };
  let given: GivenStudent | null = null;
  try {
    if (resume) return await resumeTraining({ ...context, restore: restoreNet });
    if (student) {
      given = await student.open(device, recipe, settings);
      return await train({ ...context, student: given, recipe, settings, splitBatch: true });
    }
    return await train({
      ...context,
      splitBatch: true,
      detector: detectorConfig(detector as DetectorConfig),
      recipe,
      settings,
      ...(weights && { weights }),
      ...(weightParts && { weightParts }),
    });
  } finally {
    given?.net.dispose();
    progress.stop();
    dispose();
  }
}

/** Says how a training ended. */
export function describeTraining(training: Training, result: TrainResult): Outcome {
  const { folder, data } = training;
  const { last, interrupted, step, advice } = result;
  const evaluation = last?.evaluation;
  const lines = [
    interrupted
      ? `Interrupted: saved after step ${step} in ${folder}; go on with --out ${folder} --resume.`
      : `Trained: ${folder}`,
  ];
  if (evaluation) {
    lines.push(['AP', 'AP50', 'AP75'].map((name) => `${name} ${percent(evaluation[name])}`).join('  '));
  }
  if (advice !== null) lines.push(advice);
  return { data: { run: folder, ...result, skipped: data.skipped, notices: data.notices }, text: lines.join('\n') };
}

/** The folder of a new run, unless one is given. */
export function runFolder(
  { out, size }: TrainingOptions,
  data: Data,
  recipe: Recipe,
  student: FoundStudent | null = null,
): string {
  return out ?? join(RUNS, `${pathName(data.name)}-${pathName(student?.name ?? size)}-${pathName(recipe.name)}`);
}

/** Data to evaluate on; null where the training never does. */
export async function openValidation(
  train: Data,
  settings: Partial<TrainSettings>,
  { checkImages, skipBrokenImages }: Pick<DataOptions, 'checkImages' | 'skipBrokenImages'>,
): Promise<Data | null> {
  if (trainSettings(settings).evaluateEvery === 0) return null;
  return openFitting(train, 'val', { checkImages, skipBrokenImages });
}

/** Settings, detector and recipe of a run that goes on. */
export async function resumed(folder: string): Promise<Omit<Training, 'data' | 'validation'>> {
  const { detector, recipe, settings } = (await loadCheckpoint(folder)).metadata;
  return { detector, recipe, settings, folder };
}

/** The weights of `--init`, and where they go. */
export async function initialWeights({
  init,
  initParts,
}: TrainingOptions): Promise<Pick<Training, 'weights' | 'weightParts'>> {
  if (init === undefined) return {};
  return { weights: await loadWeights(init), ...(initParts && { weightParts: initParts }) };
}
