import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DetectorSize } from '../detector/config.js';
import type { CheckpointEvery } from '../train/context.js';
import type { GroupRate } from '../train/groups.js';
import { DEFAULT_SETTINGS, MAX_SETTINGS, type TrainSettings } from '../train/settings.js';
import { DETECTOR_PARTS, type DetectorPart } from '../train/weights.js';
import { type AdapterOptions, addDeviceOptions } from './command.js';
import { addDataOptions, type DataOptions } from './data.js';
import { integer, parsed, real } from './numbers.js';

/** Where runs go. */
export const RUNS = 'runs';
/** Of weights and rates. */
const MAX_REAL = 1e6;
/** Steps, or minutes: two years. */
const MAX_CHECKPOINT = 1e6;
export const SIZES: readonly DetectorSize[] = ['tiny', 'small', 'base'];

/** Options of `train` and `distill`. Those of the training's settings have the settings' names. */
export interface TrainingOptions extends AdapterOptions, Omit<DataOptions, 'classes'>, Partial<TrainSettings> {
  student?: string;
  mapping?: string;
  /** `--classes new` */
  newClasses?: boolean;
  size: DetectorSize;
  width?: number;
  height?: number;
  strides?: number[];
  bins?: number;
  images?: number;
  switchAfter?: number;
  rate?: GroupRate[];
  init?: string;
  initParts?: DetectorPart[];
  out?: string;
  resume?: boolean;
  checkpointEvery?: number;
  checkpointMinutes?: number;
  distributed?: boolean;
  json?: boolean;
}

/** What a run keeps: none of these goes with `--resume`. */
const FIXED = [
  'student',
  'mapping',
  'classes',
  'size',
  'width',
  'height',
  'strides',
  'bins',
  'recipe',
  'switchAfter',
  'init',
  'initParts',
  'rate',
  ...Object.keys(DEFAULT_SETTINGS).filter((name) => name !== 'recompute'),
];

/** Adds the options that `train` and `distill` share. */
export function addTrainingOptions(command: Command, size: DetectorSize): Command {
  const d = DEFAULT_SETTINGS;
  const most = MAX_SETTINGS;
  const choice = (flags: string, text: string, choices: readonly string[]) => new Option(flags, text).choices(choices);
  const described = command
    .option(
      '--student <model>',
      'an .onnx file that is to learn, in place of a detector of edgewise (docs/your-own-detector.md)',
    )
    .option('--mapping <file>', 'of --student: which of its tensors are what (.json)')
    .addOption(
      choice(
        '--classes <which>',
        "new: replace the model's classes by the data's; else the data's have to be among them",
        ['new'],
      ),
    )
    .addOption(choice('--size <name>', 'detector', SIZES).default(size))
    .option(
      '--width <pixels>',
      "network's input; default: the model's where it is fixed, or the largest image's, at most 640, in whole strides",
      parsed.width,
    )
    .option('--height <pixels>', 'likewise', parsed.height)
    .option('--strides <list>', 'pixels a cell of each level, such as 8,16,32', parsed.strides)
    .option('--bins <n>', "bins of each edge's distribution", parsed.bins)
    .option('--epochs <n>', `default ${d.epochs}`, parsed.epochs)
    .option('--batch <n>', `images at once, default ${d.batch}`, parsed.batch)
    .addOption(choice('--optimizer <name>', `default ${d.optimizer}`, ['sgd', 'adamw']))
    .option('--lr, --learning-rate <x>', `after the warm-up, default ${d.learningRate}`, real(0, MAX_REAL))
    .option('--momentum <x>', `of SGD, default ${d.momentum}`, real(0, 1))
    .option('--weight-decay <x>', `default ${d.weightDecay}`, real(0, MAX_REAL))
    .option('--warmup-steps <n>', `default ${d.warmupSteps}`, integer(0, most.warmupSteps))
    .addOption(choice('--schedule <name>', `default ${d.schedule}`, ['step', 'cosine', 'constant']))
    .option('--clip <x>', `largest norm of the gradients, 0: none, default ${d.clip}`, real(0, MAX_REAL))
    .option(
      '--accumulate <n>',
      `batches whose mean gradient is one step's, default ${d.accumulate}: larger batches than memory holds`,
      integer(1, most.accumulate),
    )
    .addOption(
      choice(
        '--precision <type>',
        `what maps are stored in, default ${d.precision}; f16 takes half the memory, and an adapter with shader-f16`,
        ['f32', 'f16'],
      ),
    )
    .option(
      '--recompute',
      'keep little of what the forward pass computes, and compute it again for the gradients: less memory, the same bits, more time',
    )
    .option('--no-recompute', 'of a run that goes on: keep it again')
    .option(
      '--freeze <pattern>',
      'leave parameters of these names as they are, such as "backbone.*"; may be repeated',
      (text: string, before: string[] = []) => [...before, text],
    )
    .option(
      '--rate <pattern=factor>',
      'times the learning rate for parameters of these names, such as "backbone.*=0.1"; may be repeated, the last that matches counts',
      groupRate,
    )
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
    )
    .option(
      '--distributed',
      'share each batch out to the processes that mpirun has started (MPI, npm koffi); --batch counts the images of all',
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

/** What commander has read, `--classes` under a name that is not the data's. */
export function withNewClasses<T extends TrainingOptions>({ classes, ...options }: T & { classes?: 'new' }): T {
  return { ...(options as unknown as T), ...(classes === 'new' && { newClasses: true }) };
}

/** How much a training that is killed may lose. */
export function checkpointEvery(options: TrainingOptions): CheckpointEvery {
  const { checkpointEvery: steps, checkpointMinutes: minutes } = options;
  return { ...(steps !== undefined && { steps }), ...(minutes !== undefined && { minutes }) };
}

/** The training's settings among the options; those not given are left out. */
export function settingsOf(options: TrainingOptions): Partial<TrainSettings> {
  const given: Partial<TrainSettings> = { ...options, ...(options.rate && { learningRates: options.rate }) };
  const names = Object.keys(DEFAULT_SETTINGS) as (keyof TrainSettings)[];
  return Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
}

/** Parses backbone.*=0.1 and adds it to those before. @throws InvalidArgumentError, a usage error */
function groupRate(text: string, before: readonly GroupRate[] = []): GroupRate[] {
  const at = text.lastIndexOf('=');
  const factor = Number(text.slice(at + 1));
  if (at < 1 || text.slice(at + 1).trim() === '' || !(factor > 0) || factor > MAX_REAL) {
    throw new InvalidArgumentError(
      `Expected PATTERN=FACTOR with a factor above 0, such as "backbone.*=0.1"; 0 is --freeze.`,
    );
  }
  return [...before, { parameters: text.slice(0, at), factor }];
}

/** Parses a list such as backbone,neck. @throws InvalidArgumentError, a usage error */
function detectorParts(text: string): DetectorPart[] {
  return text.split(',').map((name) => {
    const part = DETECTOR_PARTS.find((known) => known === name.trim());
    if (!part) throw new InvalidArgumentError(`Expected some of ${DETECTOR_PARTS.join(',')}.`);
    return part;
  });
}
