import { join } from 'node:path';
import type { Loader } from '../data/loader.js';
import type { BufferPlan } from '../gpu/bufferPlan.js';
import { distillationAt } from '../losses/distillationSchedule.js';
import { HeadLoss } from '../losses/headLoss.js';
import { CHECKPOINT, saveCheckpoint } from './checkpoint.js';
import { teacherHeadOf } from './comparable.js';
import { cacheOf, type TrainContext, type TrainState } from './context.js';
import { assertStepFits } from './fits.js';
import type { Learner } from './learner.js';
import { recipeAt } from './phases.js';
import { provenanceOf } from './provenance.js';
import { isLeader, ownBatch } from './ranks.js';
import { learningRateAt } from './schedule.js';
import type { StepTools } from './step.js';
import { TermHistory } from './terms.js';
import { trainingLoader } from './trainingLoader.js';

/** Steps between readings of the losses, which make the GPU wait for the host. */
export const READ_EVERY = 10;
const CHECKPOINT_MINUTES = 5;

/** A training under way, shared by the functions of its loop. */
export interface Run {
  readonly context: TrainContext;
  readonly tools: StepTools;
  readonly state: TrainState;
  readonly loader: Loader;
  /** Steps an epoch, each of `settings.accumulate` of the loader's batches. */
  readonly steps: number;
  /** Steps of the whole training. */
  readonly total: number;
  readonly clock: Clock;
  /** The last plan for buffers, and what it was made for. */
  planned?: { key: string; plan: BufferPlan };
}

/** Times of `performance.now()`, and sums in seconds. */
interface Clock {
  lastSave: number;
  lastRead: number;
  /** Of the steps alone, since the training was last started. */
  stepSeconds: number;
  stepsTimed: number;
}

export function makeRun(context: TrainContext, learner: Learner, state: TrainState): Run {
  const { device, source } = context;
  const { recipe, settings } = state;
  const { net } = learner;
  const { accumulate } = settings;
  const batch = ownBatch(context, settings.batch);
  const shares = context.ranks?.size ?? 1;
  assertStepFits(device, { net, batch, shares, recipe, settings, teacher: learner.teacher });
  const loader = trainingLoader(source, net.config, settings, context.ranks);
  const headLoss = headLossOf(context, learner, state, 0);
  const tools = { ...learner, headLoss, history: new TermHistory(headLoss, READ_EVERY, accumulate) };
  const now = performance.now();
  const clock = { lastSave: now, lastRead: now, stepSeconds: 0, stepsTimed: 0 };
  const steps = loader.steps / accumulate;
  return { context, tools, state, loader, steps, total: settings.epochs * steps, clock };
}

/** The head loss of an epoch; it holds no memory of the device. */
export function headLossOf(
  context: TrainContext,
  { net: { config }, teacher }: Learner,
  { recipe, settings }: TrainState,
  epoch: number,
) {
  const imageSize = { width: config.width, height: config.height };
  return new HeadLoss(context.device, {
    ...config,
    imageSize,
    batch: ownBatch(context, settings.batch),
    shares: context.ranks?.size ?? 1,
    recipe: recipeAt(recipe, epoch),
    ...(teacher && { teacher: teacherHeadOf(teacher) }),
  });
}

/** The factor of distillation in a step from 0. */
export function distillationOf({ state, total }: Run, step: number): number {
  return distillationAt(state.recipe, step, total);
}

/** For the log, where it changes. */
export function loggedDistillation(run: Run, step: number): { distillation?: number } {
  const { schedule, warmup, off } = run.state.recipe.distillation;
  const isConstant = schedule === 'constant' && warmup === 0 && off === 0;
  return isConstant ? {} : { distillation: distillationOf(run, step) };
}

/** The learning rate of a step from 0. */
export function rateAt({ state, total }: Run, step: number): number {
  return learningRateAt(state.settings, step, total);
}

export function isSaveDue({ context: { checkpointEvery }, state, clock }: Run): boolean {
  const { steps = 0, minutes = CHECKPOINT_MINUTES } = checkpointEvery ?? {};
  const bySteps = steps > 0 && state.step % steps === 0;
  return bySteps || (minutes > 0 && performance.now() - clock.lastSave >= 60_000 * minutes);
}

/** Rank 0 saves what the training goes on from. Every step's losses have been read. */
export async function save({ context, tools, state, steps, clock }: Run, name = CHECKPOINT): Promise<void> {
  if (!isLeader(context)) return;
  const { device, source, folder } = context;
  const { student } = provenanceOf(tools.net);
  const metadata = {
    detector: tools.net.config,
    ...(student && { student }),
    classes: source.classes,
    choices: device.choices,
    teacherCache: cacheOf(context, state.recipe) !== null,
    ...state,
    // Without the clock, so that the same training has the same bytes.
    last: state.last && { ...state.last, imagesPerSecond: 0, seconds: 0 },
    stepsPerEpoch: steps,
  };
  await saveCheckpoint(join(folder, name), tools, metadata, { withState: name === CHECKPOINT });
  const now = performance.now();
  if (name === CHECKPOINT) clock.lastSave = now;
  clock.lastRead = now;
}

export function warn({ onProgress }: TrainContext, message: string): void {
  onProgress?.({ kind: 'warning', message });
}
