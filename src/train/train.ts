import { join } from 'node:path';
import { version } from '../../package.json';
import { assertSameClasses, type ClassList } from '../data/classes.js';
import { type DetectorConfig, detectorConfig } from '../detector/config.js';
import { Detector } from '../detector/detector.js';
import type { DetectionNet } from '../detector/net.js';
import { priorOf } from '../detector/prior.js';
import { possibleChoices } from '../gpu/choices.js';
import { recipeForClasses } from '../losses/oneClass.js';
import { needsTeacher, type PartialRecipe, type Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';
import { exists } from '../util/folder.js';
import { BEST, CHECKPOINT, type Checkpoint, loadCheckpoint, restoreDetector, restoreLearner } from './checkpoint.js';
import { assertCacheable, cacheOf, type TrainContext, type TrainResult, type TrainState } from './context.js';
import { sizesOf, splitBatch } from './fits.js';
import { type Learner, makeLearner } from './learner.js';
import { runEpochs } from './loop.js';
import { recipeOfNet } from './netRecipe.js';
import { assertAssigner } from './phases.js';
import { provenanceOf, setProvenance } from './provenance.js';
import { isLeader } from './ranks.js';
import { claimRun, createRun, refuseStrange, rewindLog } from './runFolder.js';
import { type TrainSettings, trainSettings } from './settings.js';
import { type GivenStudent, keepStudent } from './student.js';
import { teacherOf } from './teacher.js';
import { applyWeights, type DetectorPart, type Weights } from './weights.js';

/** What is trained, and how. */
export interface TrainOptions extends TrainContext {
  /** From `detectorConfig`: a detector of this package, made anew. */
  detector?: DetectorConfig;
  /** In its place a net that is there already, such as an ONNX model (`openStudent` of edgewise/onnx). */
  student?: GivenStudent;
  /** Default `gfocal`. With a single class `kd.form` is `binary` unless given: a softmax says nothing there. */
  recipe?: string | PartialRecipe;
  /** What differs from `DEFAULT_SETTINGS`. */
  settings?: Partial<TrainSettings>;
  /** A detector's initial parameters in place of random ones: `loadWeights(file)`. */
  weights?: Weights;
  /** The parts of the detector that take them; the others start at random. Default: all. */
  weightParts?: readonly DetectorPart[];
  /**
   * A batch that kernels of the device do not see at once is computed in equal parts whose gradients are added, as smaller `settings.batch` and larger
   * `settings.accumulate` have it: a warning names them, and the run keeps them. Default: it is refused. So it is for recipes that go by the batch's own
   * statistics or number (PKD, CrossKD, `scale` batch).
   */
  splitBatch?: boolean;
}

/**
 * Trains a detector, from nothing or from given weights, or a net that is given. The same settings, data, adapter and `device.choices` give the
 * same bits.
 * @throws InputError for wrong settings, a recipe whose assigner the training never comes to, a folder that holds a training already or in
 *   which another works, a missing teacher or one that does not fit, weights of another detector
 * @throws DeviceError when a loss or a gradient is not finite: it names term, level and step; for `settings.precision` f16 on an adapter
 *   without it
 */
export async function train({
  detector: config,
  student,
  recipe,
  settings,
  weights,
  weightParts,
  splitBatch: splits = false,
  ...context
}: TrainOptions): Promise<TrainResult> {
  const form = student ? student.net.config : config;
  if (form === undefined || (student && (config || weights || weightParts))) {
    throw new InputError('detector: give a configuration, or a student without detector, weights and weightParts.');
  }
  const given = recipeForClasses(recipe ?? 'gfocal', context.source.classes.length);
  const { notice } = given;
  const whole = student ? recipeOfNet(student.net, given.recipe) : given.recipe;
  if (notice !== null) context.onProgress?.({ kind: 'warning', message: notice });
  const asked = trainSettings(settings);
  assertClasses(
    { owner: student ? `the student ${student.record.name}` : 'the detector', classes: form.classes },
    context,
  );
  assertAssigner(whole, asked);
  assertCacheable(context, whole);
  const sizes = student?.net ?? sizesOf(detectorConfig(form as DetectorConfig), asked.precision);
  const fitted = splits ? inFittingBatches(context, sizes, whole, asked) : asked;
  const state: TrainState = { recipe: whole, settings: fitted, step: 0, epochTerms: [], bestAp: -1, last: null };
  const net = student
    ? student.net
    : makeDetector(context, state, { config: form as DetectorConfig, weights, weightParts });
  const origin = { recipe: whole, classes: context.source.classes };
  setProvenance(net, student ? { ...origin, student: student.record } : origin);
  return learning({ net, isLent: student !== undefined }, context, state, async (learner) => {
    let release = async () => {};
    try {
      return await runEpochs(context, learner, state, async () => {
        release = await claimRun(context.folder);
        await refuseUsed(context.folder);
        if (student) await keepStudent(context.folder, student);
        await describeRun(context, learner, state);
      });
    } finally {
      await release();
    }
  });
}

/**
 * Goes on with a training from its folder's last checkpoint, bit for bit as if it had not stopped: the device takes the training's choices
 * between variants of kernels, whatever has been tuned since.
 * @throws InputError when there is no whole checkpoint, another training works in the folder, or data or teacher are not the training's
 */
export async function resumeTraining(context: TrainContext): Promise<TrainResult> {
  const { folder } = context;
  if (!(await exists(join(folder, CHECKPOINT)))) await loadCheckpoint(folder); // which says what is wrong
  const release = isLeader(context) ? await claimRun(folder) : async () => {};
  try {
    return await goOn(context, await loadCheckpoint(folder));
  } finally {
    await release();
  }
}

async function goOn(context: TrainContext, checkpoint: Checkpoint): Promise<TrainResult> {
  const { recipe, choices, step, epochTerms, bestAp, lossScale, last, classes, stepsPerEpoch, teacherCache } =
    checkpoint.metadata;
  const { recompute = checkpoint.metadata.settings.recompute } = context;
  const settings = { ...checkpoint.metadata.settings, recompute };
  assertClasses({ owner: checkpoint.file, classes }, context);
  const { notice } = recipeForClasses(recipe, classes.length);
  if (notice !== null) context.onProgress?.({ kind: 'warning', message: notice });
  const now = Math.floor(context.source.length / (settings.batch * settings.accumulate));
  if (now !== stepsPerEpoch) {
    throw new InputError(
      `${checkpoint.file} was trained with ${stepsPerEpoch} steps an epoch; ${context.source.length} images give ${now}. Give the same data.`,
    );
  }
  if (teacherCache !== (cacheOf(context, recipe) !== null)) {
    throw new InputError(
      teacherCache
        ? `${checkpoint.file} was trained with a cache of the teacher's outputs; give a folder for it, it need not be the same.`
        : `${checkpoint.file} was trained without a cache of the teacher's outputs, which rounds them; go on without.`,
    );
  }
  // On another adapter the bits differ anyway: what it cannot run gets its default.
  context.device.setChoices(possibleChoices(context.device.gpu, choices).choices);
  const { device, restore } = context;
  const net = restore ? await restore(device, checkpoint, 'trained') : restoreDetector(device, checkpoint, 'trained');
  const state: TrainState = { recipe, settings, step, epochTerms, bestAp, last, ...(lossScale && { lossScale }) };
  return learning({ net, isLent: false }, context, state, (learner) => {
    restoreLearner(learner, checkpoint);
    return runEpochs(context, learner, state, async () => {
      state.last = await rewindLog(context.folder, state);
    });
  });
}

/** A class is a position in a list: detector, training set and validation set must have the same. */
function assertClasses(detector: ClassList, { source, validation }: TrainContext): void {
  const data = { owner: 'the training set', classes: source.classes };
  assertSameClasses(detector, data, 'Give the data that the detector is for.');
  if (!validation) return;
  const remedy = 'Give the annotations of both the same categories with the same ids.';
  assertSameClasses(data, { owner: 'the validation set', classes: validation.classes }, remedy);
}

/** The settings with the batch in parts, where kernels do not see it at once. */
function inFittingBatches(
  { device, teacher, ranks, onProgress }: TrainContext,
  net: Pick<DetectionNet, 'config' | 'sizedOn'>,
  recipe: Recipe,
  settings: TrainSettings,
): TrainSettings {
  const parts = splitBatch(device, {
    ...{ net, recipe, settings },
    shares: ranks?.size ?? 1,
    teacher: teacher && needsTeacher(recipe) ? teacherOf(teacher) : null,
  });
  if (parts === null) return settings;
  const { bytes, limit } = device.largestBinding;
  const { width, height } = net.config;
  onProgress?.({
    kind: 'warning',
    message: `batch: kernels on ${device.adapter.name} do not see ${settings.batch} images of ${width}×${height} at once (${bytes} bytes of a buffer, ${limit}). A step adds the gradients of ${parts.accumulate} batches of ${parts.batch}, each with its own divisors: --batch ${parts.batch} --accumulate ${parts.accumulate}.`,
  });
  return { ...settings, ...parts };
}

interface GivenWeights {
  config: DetectorConfig;
  weights: Weights | undefined;
  weightParts: readonly DetectorPart[] | undefined;
}

function makeDetector(
  { device }: TrainContext,
  { recipe, settings }: TrainState,
  { config, weights, weightParts }: GivenWeights,
): Detector {
  const prior = priorOf(recipe, config);
  const detector = new Detector(device, detectorConfig(config), {
    seed: settings.seed,
    prior,
    precision: settings.precision,
  });
  try {
    if (weights) applyWeights(detector, weights, weightParts);
    return detector;
  } catch (error) {
    detector.dispose();
    throw error;
  }
}

/** Lends a net what it learns with. @param isLent whether the net is the caller's; else it is disposed, too */
async function learning<T>(
  { net, isLent }: { net: DetectionNet; isLent: boolean },
  context: TrainContext,
  { recipe, settings }: TrainState,
  work: (learner: Learner) => Promise<T>,
): Promise<T> {
  try {
    const learner = makeLearner(net, context.teacher, recipe, settings);
    if (learner.notice !== null) context.onProgress?.({ kind: 'warning', message: learner.notice });
    try {
      return await work(learner);
    } finally {
      learner.dispose();
    }
  } finally {
    if (!isLent) net.dispose();
  }
}

/** @throws InputError when a folder holds a training, or what none wrote. One without a step is begun anew. */
async function refuseUsed(folder: string): Promise<void> {
  const [hasCheckpoint, hasBest] = await Promise.all([CHECKPOINT, BEST].map((name) => exists(join(folder, name))));
  if (!hasCheckpoint && !hasBest) return refuseStrange(folder);
  const isBegun = !hasBest && (await loadCheckpoint(folder).catch(() => null))?.metadata.step === 0;
  if (isBegun) return;
  throw new InputError(`${folder} holds a training already; go on with it (--resume), or give another folder.`);
}

async function describeRun(context: TrainContext, { net, notice }: Learner, { recipe, settings }: TrainState) {
  const { device, folder, source, teacher, origin } = context;
  await createRun(folder, {
    version,
    started: new Date().toISOString(),
    adapter: device.adapter,
    choices: device.choices,
    detector: net.config,
    student: provenanceOf(net).student ?? null,
    parameters: net.parameters.count,
    teacher: teacher?.config ?? null,
    teacherRun: origin?.teacherRun ?? null,
    teacherMapping: origin?.teacherMapping ?? null,
    teacherMatch: notice,
    teacherCache: cacheOf(context, recipe) !== null,
    data: origin?.data ?? null,
    split: origin?.split ?? null,
    classes: source.classes,
    images: source.length,
    recipe,
    settings,
  });
}
