import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DetectorConfig, type DetectorSize, detectorConfig } from '../detector/config.js';
import type { Detector } from '../detector/detector.js';
import type { Recipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { loadCheckpoint } from '../train/checkpoint.js';
import type { CheckpointEvery, TrainContext, TrainResult } from '../train/context.js';
import type { TrainProgress } from '../train/progress.js';
import { DEFAULT_SETTINGS, MAX_SETTINGS, type TrainSettings, trainSettings } from '../train/settings.js';
import type { Teacher } from '../train/teacher.js';
import { resumeTraining, train } from '../train/train.js';
import { DETECTOR_PARTS, type DetectorPart, loadWeights, type Weights } from '../train/weights.js';
import { percent } from '../util/figures.js';
import { pathName } from '../util/pathName.js';
import { type AdapterOptions, addDeviceOptions, type Outcome, withDeviceAgain } from './command.js';
import { addDataOptions, type Data, type DataOptions, openFitting } from './data.js';
import { interruption } from './interruption.js';
import { integer, parsed, real } from './numbers.js';
import { progressReporter } from './progress.js';

const RUNS = 'runs';
/** Of weights and rates. */
const MAX_REAL = 1e6;
/** Steps, or minutes: two years. */
const MAX_CHECKPOINT = 1e6;
/** Of a detector that no teacher fixes. GFocal: reg_max 16; the strides of small images. */
export const DEFAULTS = { bins: 17, strides: [8, 16, 32] };
export const SIZES: readonly DetectorSize[] = ['tiny', 'small', 'base'];

/** Options of `train` and `distill`. Those of the training's settings have the settings' names. */
export interface TrainingOptions extends AdapterOptions, DataOptions, Partial<TrainSettings> {
  size: DetectorSize;
  width?: number;
  height?: number;
  strides?: number[];
  bins?: number;
  images?: number;
  switchAfter?: number;
  init?: string;
  initParts?: DetectorPart[];
  out?: string;
  resume?: boolean;
  checkpointEvery?: number;
  checkpointMinutes?: number;
}

/** What a run keeps: none of these goes with `--resume`. */
const FIXED = [
  'size',
  'width',
  'height',
  'strides',
  'bins',
  'recipe',
  'switchAfter',
  'init',
  'initParts',
  ...Object.keys(DEFAULT_SETTINGS),
];

/** Adds the options that `train` and `distill` share. */
export function addTrainingOptions(command: Command, size: DetectorSize): Command {
  const d = DEFAULT_SETTINGS;
  const most = MAX_SETTINGS;
  const choice = (flags: string, text: string, choices: readonly string[]) => new Option(flags, text).choices(choices);
  const described = command
    .addOption(choice('--size <name>', 'detector', SIZES).default(size))
    .option(
      '--width <pixels>',
      "network's input; default: the largest image's, at most 640, in whole strides",
      parsed.width,
    )
    .option('--height <pixels>', 'likewise', parsed.height)
    .option('--strides <list>', 'pixels a cell of each level, such as 8,16,32', parsed.strides)
    .option('--bins <n>', "bins of each edge's distribution", parsed.bins)
    .option('--epochs <n>', `default ${d.epochs}`, parsed.epochs)
    .option('--batch <n>', `images a step, default ${d.batch}`, parsed.batch)
    .addOption(choice('--optimizer <name>', `default ${d.optimizer}`, ['sgd', 'adamw']))
    .option('--lr, --learning-rate <x>', `after the warm-up, default ${d.learningRate}`, real(0, MAX_REAL))
    .option('--momentum <x>', `of SGD, default ${d.momentum}`, real(0, 1))
    .option('--weight-decay <x>', `default ${d.weightDecay}`, real(0, MAX_REAL))
    .option('--warmup-steps <n>', `default ${d.warmupSteps}`, integer(0, most.warmupSteps))
    .addOption(choice('--schedule <name>', `default ${d.schedule}`, ['step', 'cosine', 'constant']))
    .option('--clip <x>', `largest norm of the gradients, 0: none, default ${d.clip}`, real(0, MAX_REAL))
    .option('--ema <x>', `decay of the parameters' moving average, 0: none, default ${d.ema}`, real(0, 1))
    .option('--seed <n>', `default ${d.seed}`, parsed.seed)
    .option(
      '--switch-after <epochs>',
      "epochs of ATSS before the recipe's assigner, default the recipe's",
      integer(0, most.epochs),
    )
    .option('--no-augment', 'train on the images as they are')
    .option(
      '--evaluate-every <n>',
      `epochs between evaluations, 0: never, default ${d.evaluateEvery}`,
      integer(0, most.evaluateEvery),
    )
    .option('--images <n>', 'how many images of "shapes" to generate', parsed.images)
    .option(
      '--init <path>',
      'start from these weights (.safetensors of edgewise export, or a run), not from random ones',
    )
    .option(
      '--init-parts <list>',
      `which of ${DETECTOR_PARTS.join(',')} take the weights of --init; the others start at random. Default: all`,
      detectorParts,
    )
    .option('--out <folder>', `the run's folder, default ${RUNS}/DATA-SIZE-RECIPE`)
    .option('--resume', 'go on with the training of --out, with its own settings, as if it had not stopped')
    .option(
      '--checkpoint-every <steps>',
      'save after so many steps, too, 0: not by steps, default 0',
      integer(0, MAX_CHECKPOINT),
    )
    .option(
      '--checkpoint-minutes <x>',
      'save after so many minutes, too, 0: not by time, default 5',
      real(0, MAX_CHECKPOINT),
    );
  return addDeviceOptions(addDataOptions(described));
}

/** A usage error where `--resume` lacks `--out` or comes with a setting that the run has fixed. */
export function checkResume(command: Command, { resume, out, init, initParts }: TrainingOptions): void {
  if (initParts && init === undefined) command.error('error: --init-parts needs --init, the file of the weights');
  if (!resume) return;
  if (out === undefined) command.error("error: --resume needs --out, the run's folder");
  const given = FIXED.find((name) => command.getOptionValueSource(name) === 'cli');
  if (given !== undefined) {
    command.error(`error: ${given} does not go with --resume: a run goes on with its own settings`);
  }
}

/** How much a training that is killed may lose. */
export function checkpointEvery(options: TrainingOptions): CheckpointEvery {
  const { checkpointEvery: steps, checkpointMinutes: minutes } = options;
  return { ...(steps !== undefined && { steps }), ...(minutes !== undefined && { minutes }) };
}

/** The training's settings among the options; those not given are left out. */
export function settingsOf(options: TrainingOptions): Partial<TrainSettings> {
  const names = Object.keys(DEFAULT_SETTINGS) as (keyof TrainSettings)[];
  return Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

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
  detector: DetectorConfig;
  recipe: Recipe;
  settings: Partial<TrainSettings>;
  /** Initial ones; random where there are none. */
  weights?: Weights | null;
  /** Of the detector, those that take the weights; all unless given. */
  weightParts?: readonly DetectorPart[];
  folder: string;
}

/** What a student learns from, and how the training is run. */
interface RunOptions extends Pick<TrainContext, 'teacher' | 'teacherCache' | 'checkpointEvery'> {
  /** Where the teacher was found. */
  teacherRun?: string;
  /** The folder's own detector, recipe and settings count instead of the given ones. */
  resume?: boolean;
  /** Called after some of the steps, before they are saved. */
  onSteps?: () => void;
}

/** A teacher on a device. */
export interface OpenTeacher {
  teacher: Detector | Teacher;
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
  return withDeviceAgain(options, async (device, again) => {
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
  { data, validation, detector, recipe, settings, weights, weightParts, folder }: Training,
  { resume = false, teacherRun, onSteps, ...rest }: RunOptions = {},
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
      progress.report(event);
    },
    ...(validation && { validation: validation.source }),
    ...rest,
    origin: {
      data: data.path,
      split: data.split,
      ...(teacherRun !== undefined && { teacherRun: resolve(teacherRun) }),
    },
  };
  try {
    if (resume) return await resumeTraining(context);
    return await train({
      ...context,
      detector,
      recipe,
      settings,
      ...(weights && { weights }),
      ...(weightParts && { weightParts }),
    });
  } finally {
    progress.stop();
    dispose();
  }
}

/** Says how a training ended. */
export function describeTraining(training: Training, result: TrainResult): Outcome {
  const { folder, data } = training;
  const { last, interrupted, step } = result;
  const evaluation = last?.evaluation;
  const lines = [
    interrupted
      ? `Interrupted: saved after step ${step} in ${folder}; go on with --out ${folder} --resume.`
      : `Trained: ${folder}`,
  ];
  if (evaluation) {
    lines.push(['AP', 'AP50', 'AP75'].map((name) => `${name} ${percent(evaluation[name])}`).join('  '));
  }
  return { data: { run: folder, ...result, skipped: data.skipped, notices: data.notices }, text: lines.join('\n') };
}

/** The folder of a new run, unless one is given. */
export function runFolder({ out, size }: TrainingOptions, data: Data, recipe: Recipe): string {
  return out ?? join(RUNS, `${pathName(data.name)}-${size}-${pathName(recipe.name)}`);
}

/** Data to evaluate on; null where the training never does. */
export async function openValidation(
  train: Data,
  settings: Partial<TrainSettings>,
  { checkImages, skipBrokenImages }: DataOptions,
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

/** Parses a list such as backbone,neck. @throws InvalidArgumentError, a usage error */
function detectorParts(text: string): DetectorPart[] {
  return text.split(',').map((name) => {
    const part = DETECTOR_PARTS.find((known) => known === name.trim());
    if (!part) throw new InvalidArgumentError(`Expected some of ${DETECTOR_PARTS.join(',')}.`);
    return part;
  });
}
