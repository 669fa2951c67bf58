import type { Batch } from '../data/loader.js';
import type { DetectorConfig } from '../detector/config.js';
import { Detector } from '../detector/detector.js';
import { assertBatchFits, largestBatch } from '../detector/fits.js';
import type { DetectionNet, NetConfig } from '../detector/net.js';
import { type BufferPlan, planBuffers } from '../gpu/bufferPlan.js';
import { HeadLoss } from '../losses/headLoss.js';
import { batchStatistic } from '../losses/headShares.js';
import type { Recipe } from '../losses/recipe.js';
import { makeGrid } from '../regions/grid.js';
import type { Device } from '../tensor/device.js';
import { withSilence } from '../tensor/parts.js';
import { Pyramid } from '../tensor/pyramid.js';
import { type Needs, SizingDevice } from '../tensor/sizing.js';
import type { StoredType } from '../tensor/stored.js';
import { teacherHeadOf } from './comparable.js';
import { makeLearner } from './learner.js';
import { recipesFrom } from './phases.js';
import { MAX_SETTINGS, type TrainSettings } from './settings.js';
import { stepParts } from './step.js';
import { netStep, type Teacher, type TeacherStep } from './teacher.js';
import { TermHistory } from './terms.js';

type Net = Pick<Teacher, 'config' | 'featureChannels' | 'recipe' | 'net'>;

type RunningNet = Net & Pick<Teacher, 'device'>;

/** A net that can be made again to find its sizes. */
type Sizable = Pick<DetectionNet, 'config' | 'sizedOn'>;

/** For a detector that has not been made. @param precision default f32 */
export function sizesOf(config: DetectorConfig, precision: StoredType = 'f32'): Sizable {
  return { config, sizedOn: (device) => new Detector(device, config, { seed: 0, precision }) };
}

type OnCompiled = (done: number, of: number) => void;

/** What decides how large the tensors of a training step are, besides the batch. */
export interface StepSizes {
  /** What learns; `sizesOf` where there is no detector yet. */
  net: Pick<DetectionNet, 'config' | 'sizedOn'>;
  /** Of its losses. */
  recipe: Recipe;
  /** Of the training. */
  settings: TrainSettings;
  /** Processes that share the step; default 1. */
  shares?: number;
  /** Null where none teaches. */
  teacher: Pick<Teacher, 'config' | 'featureChannels' | 'recipe' | 'net'> | null;
  /** Factor of the distillation; 0 needs no outputs of the teacher. Default 1. */
  distillation?: number;
}

/**
 * Checks that kernels see every buffer of a training step.
 * @param sizes `batch`: images that one of the processes computes at once
 * @throws InputError that names the largest batch that fits, and how as many images a step are learnt from with less
 */
export function assertStepFits(device: Device, { batch, ...sizes }: StepSizes & { batch: number }): void {
  const { net, settings, shares = 1 } = sizes;
  const otherwise = (fitting: number) => {
    const { part, accumulate } = inParts(batch, fitting, settings);
    const images = settings.accumulate * batch * shares;
    return `; batch ${part * shares} with accumulate ${accumulate} (--batch ${part * shares} --accumulate ${accumulate}) learns from ${images} images a step, too`;
  };
  for (const recipe of recipesFrom(sizes.recipe)) {
    const needs = stepNeeds(device, { ...sizes, recipe });
    assertBatchFits(device, 'a training step', net.config, batch, needs, otherwise);
  }
}

/** A batch in equal parts of at most `fitting` images, and how many parts a step then has. */
function inParts(batch: number, fitting: number, settings: TrainSettings): { part: number; accumulate: number } {
  let part = fitting;
  while (batch % part !== 0) part--;
  return { part, accumulate: (settings.accumulate * batch) / part };
}

/**
 * Batch and `accumulate` that learn from as many images a step as the settings, in batches that kernels see.
 * @returns null where the batch fits as it is, nothing makes it fit, or the recipe's terms are others for a part of a batch
 */
export function splitBatch(device: Device, sizes: StepSizes): Pick<TrainSettings, 'batch' | 'accumulate'> | null {
  const { settings, shares = 1 } = sizes;
  const batch = settings.batch / shares;
  const isWhole = batchStatistic(sizes.recipe) !== null || sizes.recipe.scale === 'batch';
  if (isWhole || !Number.isInteger(batch)) return null;
  const fitting = Math.min(
    ...recipesFrom(sizes.recipe).map((recipe) => largestStep(device, { ...sizes, recipe }, batch)),
  );
  if (fitting === 0 || fitting === batch) return null;
  const { part, accumulate } = inParts(batch, fitting, settings);
  return accumulate > MAX_SETTINGS.accumulate ? null : { batch: part * shares, accumulate };
}

/** Images of a training step that kernels can see at once, at most; 0: not even one. @param atMost default: as many as settings may have */
export function largestStep(device: Device, sizes: StepSizes, atMost = MAX_SETTINGS.batch): number {
  return largestBatch(device, sizes.net.config, atMost, stepNeeds(device, sizes));
}

/** What a training step of a batch needs, by the recipe's own assigner. @param plan for its buffers; default: none */
export function stepNeeds(
  device: Device,
  { net, recipe, settings, shares = 1, teacher, distillation = 1 }: StepSizes,
  plan?: BufferPlan,
): (batch: number) => Needs {
  const { config } = net;
  const sizing = new SizingDevice(device);
  const sized = teacher && sizedTeacher(sizing, teacher);
  const learner = makeLearner(net.sizedOn(sizing), sized?.teacher, recipe, settings);
  const imageSize = { width: config.width, height: config.height };
  return (batch) => {
    const headLoss = new HeadLoss(sizing, {
      ...config,
      imageSize,
      batch,
      shares,
      recipe,
      ...(teacher && { teacher: teacherHeadOf(teacher) }),
    });
    const tools = { ...learner, headLoss, history: new TermHistory(headLoss, 1), ...(plan && { plan }) };
    return sizing.needsOf(() =>
      withSilence(
        stepParts(tools, emptyBatch(batch, config), 0, distillation > 0 ? sized?.step(batch) : undefined, distillation),
        shares,
      ),
    );
  };
}

/** A plan for the buffers of a training's steps. @param batch images that this process computes at once */
export function planStep(device: Device, { batch, ...sizes }: StepSizes & { batch: number }): BufferPlan {
  return planBuffers(stepNeeds(device, sizes)(batch).uses);
}

/**
 * Bytes of the device that a training's steps take: parameters, optimizer, teacher and all that a step makes; not kernels and what the driver
 * needs.
 */
export function stepMemory(device: Device, { batch, ...sizes }: StepSizes & { batch: number }): number {
  const plan = planStep(device, { batch, ...sizes });
  return stepNeeds(device, sizes, plan)(batch).held;
}

/** Compiles the kernels of a training's steps from `epoch` (from 0) on, before the first. @param onProgress told of those compiled */
export function compileStep(
  device: Device,
  { batch, epoch = 0, ...sizes }: StepSizes & { batch: number; epoch?: number },
  onProgress: OnCompiled,
): Promise<void> {
  const needs = recipesFrom(sizes.recipe, epoch).map((recipe) => stepNeeds(device, { ...sizes, recipe })(batch));
  return device.compile(
    needs.flatMap(({ kernels }) => kernels),
    onProgress,
  );
}

/** `assertStepFits` for a forward pass without gradients. @param name of the net @throws InputError that names the largest batch */
export function assertOutputsFit(name: string, net: RunningNet, batch: number): void {
  assertBatchFits(net.device, name, net.config, batch, outputNeeds(net));
}

/** `compileStep` for a forward pass without gradients. */
export function compileOutputs(net: RunningNet, batch: number, onProgress: OnCompiled): Promise<void> {
  return net.device.compile(outputNeeds(net)(batch).kernels, onProgress);
}

function outputNeeds(net: RunningNet): (batch: number) => Needs {
  const sizing = new SizingDevice(net.device);
  const { step } = sizedTeacher(sizing, net);
  return (batch) => sizing.needsOf(() => void step(batch).outputs(Pyramid.empty(sizing, batch, 3, [net.config])));
}

/** Without pixels, with one object. */
function emptyBatch(batch: number, { width, height }: Pick<NetConfig, 'width' | 'height'>): Batch {
  return {
    // A device that sizes looks only at the number of pixels.
    images: { length: 3 * batch * width * height } as Float32Array,
    boxes: Float32Array.of(0, 0, width, height),
    labels: Int32Array.of(0),
    imageIndex: Int32Array.of(0),
    ignore: new Float32Array(),
    ignoreIndex: new Int32Array(),
    ids: [],
    scales: [],
  };
}

/** A teacher that has sizes only. */
function sizedTeacher(
  sizing: SizingDevice,
  { config, featureChannels, net }: Net,
): { teacher: DetectionNet | Teacher; step: (batch: number) => TeacherStep } {
  const { size, ...shared } = config;
  const own = net ?? (size !== undefined && sizesOf({ ...shared, size }));
  if (own) {
    const teacher = own.sizedOn(sizing);
    return { teacher, step: () => netStep(teacher) };
  }
  const { classes, bins, width, height, strides } = config;
  const { levels } = makeGrid({ imageSize: { width, height }, strides });
  const step = (batch: number): TeacherStep => {
    const maps = (channels: number) => Pyramid.empty(sizing, batch, channels, levels);
    const outputs = () => ({
      classLogits: maps(classes),
      boxLogits: maps(4 * bins),
      ...(featureChannels > 0 && { features: maps(featureChannels) }),
    });
    return { begin: () => undefined, outputs, end: () => undefined };
  };
  const prepare = async ({ images }: Batch) => step(images.length / (3 * width * height));
  return { teacher: { device: sizing, config, featureChannels, describe: async () => ({}), prepare }, step };
}
