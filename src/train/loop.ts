import { join } from 'node:path';
import type { Loader } from '../data/loader.js';
import type { ImageSource } from '../data/source.js';
import { HeadLoss } from '../losses/headLoss.js';
import { TERM_NAMES, type TermName } from '../losses/headTerms.js';
import type { Device } from '../tensor/device.js';
import { DeviceError } from '../util/error.js';
import { BEST, CHECKPOINT, saveCheckpoint } from './checkpoint.js';
import { cacheOf, type TrainContext, type TrainResult, type TrainState } from './context.js';
import { type Evaluation, evaluate, namedStatistics } from './evaluate.js';
import { assertStepFits, compileStep } from './fits.js';
import type { Learner } from './learner.js';
import type { LogEntry } from './logEntry.js';
import { assignerOf, recipeAt } from './phases.js';
import { appendLog } from './runFolder.js';
import { learningRateAt } from './schedule.js';
import { type StepTools, trainStep } from './step.js';
import { computing, teacherOf } from './teacher.js';
import { TeacherCache } from './teacherCache.js';
import { meanTerms, TermHistory } from './terms.js';
import { trainingLoader } from './trainingLoader.js';

/** Steps between two looks at the losses: reading them makes the GPU wait for the host. */
const READ_EVERY = 10;
/** Steps that may be queued: more would only hold memory and delay an interruption. */
const MOST_QUEUED = 4;
/** What a process that is killed may lose, in minutes. */
const CHECKPOINT_MINUTES = 5;

/** What the functions of this file share. */
interface Run {
  readonly context: TrainContext;
  readonly tools: StepTools;
  readonly state: TrainState;
  readonly loader: Loader;
  /** Steps of the whole training. */
  readonly total: number;
  readonly clock: Clock;
}

/** Times of `performance.now()`, and sums in seconds. */
interface Clock {
  lastSave: number;
  lastRead: number;
  /** Of the steps alone, since the training was last started. */
  stepSeconds: number;
  stepsTimed: number;
}

/**
 * The loop over epochs and steps, from wherever `state` is.
 * @param prepareFolder called once everything is checked, before the first step
 * @throws InputError, DeviceError as `train`
 */
export async function runEpochs(
  context: TrainContext,
  learner: Learner,
  state: TrainState,
  prepareFolder: () => Promise<void>,
): Promise<TrainResult> {
  const { signal } = context;
  const run = makeRun(context, learner, state);
  const { loader, total } = run;
  const result = (interrupted: boolean) => ({ interrupted, step: state.step, last: state.last });
  try {
    await prepareFolder();
    // The folder can be gone on with from here on; and a disk that has no room for it is told now.
    if (state.step === 0) await save(run);
    const cache = await openCache(run);
    if (state.step < total) await compile(run);
    // An epoch that has terms but no steps left was stopped before its evaluation was over.
    while (state.step < total || state.epochTerms.length > 0) {
      const epoch = Math.floor((state.step - Math.sign(state.epochTerms.length)) / loader.steps);
      const started = performance.now();
      const ended = (await runSteps(run, epoch, cache)) && (await endEpoch(run, epoch, started));
      if (!ended || (signal?.aborted && state.step < total)) return result(true);
    }
    return result(false);
  } finally {
    run.tools.history.dispose();
  }
}

function makeRun(context: TrainContext, learner: Learner, state: TrainState): Run {
  const { device, source } = context;
  const { recipe, settings } = state;
  const { config } = learner.detector;
  const { batch } = settings;
  assertStepFits(device, { config, batch, recipe, settings, teacher: learner.teacher });
  const loader = trainingLoader(source, config, settings);
  const headLoss = headLossOf(device, learner, state, 0);
  const tools = { ...learner, headLoss, history: new TermHistory(headLoss, READ_EVERY) };
  const now = performance.now();
  const clock = { lastSave: now, lastRead: now, stepSeconds: 0, stepsTimed: 0 };
  return { context, tools, state, loader, total: settings.epochs * loader.steps, clock };
}

/** What an epoch learns by; it holds no memory of the device. */
function headLossOf(
  device: Device,
  { detector: { config } }: Learner,
  { recipe, settings }: TrainState,
  epoch: number,
) {
  const imageSize = { width: config.width, height: config.height };
  return new HeadLoss(device, { ...config, imageSize, batch: settings.batch, recipe: recipeAt(recipe, epoch) });
}

/** The kernels of all steps to come, so that none takes a minute in silence. */
function compile({ context: { device, onProgress }, tools, state, loader }: Run): Promise<void> {
  const { detector, teacher } = tools;
  const { recipe, settings, step } = state;
  const epoch = Math.floor(step / loader.steps);
  return compileStep(
    device,
    { config: detector.config, batch: settings.batch, recipe, settings, teacher, epoch },
    (done, of) => onProgress?.({ kind: 'compilation', done, of }),
  );
}

async function openCache({ context, tools: { teacher }, state, loader }: Run): Promise<TeacherCache | null> {
  const folder = cacheOf(context, state.recipe);
  if (!teacher || folder === null) return null;
  return TeacherCache.open(folder, teacher, loader, {
    features: state.recipe.imitation.weight > 0,
    warn: (message) => warn(context, message),
  });
}

/**
 * The steps that are left of an epoch.
 * @returns false when it was aborted before their end: the state is saved
 */
async function runSteps(run: Run, epoch: number, cache: TeacherCache | null): Promise<boolean> {
  const { context, tools, state, loader, clock } = run;
  const fromStep = state.step - epoch * loader.steps;
  const computed = tools.teacher ? computing(tools.teacher) : null;
  const outputs = cache ? await cache.epoch(epoch, fromStep) : computed;
  tools.headLoss = headLossOf(context.device, tools, state, epoch);
  clock.lastRead = performance.now();
  try {
    for await (const images of loader.batches(epoch, fromStep)) {
      trainStep(tools, images, rateAt(run, state.step), await outputs?.step(images));
      state.step++;
      // Asked once: all that follows has to agree on it, however long it waits.
      const stops = context.signal?.aborted === true;
      const ends = state.step % loader.steps === 0;
      const saves = !ends && (stops || isSaveDue(run));
      if (saves || ends || tools.history.pending === READ_EVERY) {
        await report(run, epoch);
      } else if (tools.history.pending % MOST_QUEUED === 0) {
        await context.device.settled();
      }
      if (saves) await save(run);
      if (stops) break;
    }
  } finally {
    await outputs?.close();
  }
  return state.step % loader.steps === 0;
}

/** The learning rate of a step from 0. */
function rateAt({ state, total }: Run, step: number): number {
  return learningRateAt(state.settings, step, total);
}

function isSaveDue({ context: { checkpointEvery }, state, clock }: Run): boolean {
  const { steps = 0, minutes = CHECKPOINT_MINUTES } = checkpointEvery ?? {};
  const bySteps = steps > 0 && state.step % steps === 0;
  return bySteps || (minutes > 0 && performance.now() - clock.lastSave >= 60_000 * minutes);
}

/** Reads the losses of the last steps and tells how the training gets on. */
async function report(run: Run, epoch: number): Promise<void> {
  const { context, tools, state, total, clock } = run;
  const { batch, epochs } = state.settings;
  const { steps, ...window } = await readWindow(tools, state);
  const now = performance.now();
  const seconds = (now - clock.lastRead) / 1000;
  clock.lastRead = now;
  clock.stepSeconds += seconds;
  clock.stepsTimed += steps;
  context.onProgress?.({
    kind: 'step',
    epoch: epoch + 1,
    epochs,
    ...assignerOf(state.recipe, epoch),
    step: state.step,
    steps: total,
    learningRate: rateAt(run, state.step - 1),
    ...window,
    imagesPerSecond: (batch * steps) / seconds,
    secondsLeft: ((total - state.step) * clock.stepSeconds) / clock.stepsTimed,
  });
}

/**
 * Reads the terms of the last steps and adds them to the epoch's, step by step, so that their sum does not depend on when
 * they are read.
 */
async function readWindow({ history, optimizer, adapter }: StepTools, state: TrainState) {
  const steps = await history.take(state.step);
  const { norm, ...student } = await optimizer.readControl();
  const skipped = student.skipped + ((await adapter?.optimizer.readControl())?.skipped ?? 0);
  if (skipped > 0) {
    throw new DeviceError(
      `${skipped} of the last ${steps.length} updates up to step ${state.step} were skipped: a gradient was NaN or infinite though every loss is finite. ` +
        'A lower learning rate or more warm-up steps keep a training finite; the last checkpoint is whole.',
    );
  }
  const window = new Float64Array(steps[0].length);
  if (state.epochTerms.length === 0) state.epochTerms = new Array<number>(window.length).fill(0);
  for (const terms of steps) {
    for (let i = 0; i < terms.length; i++) {
      window[i] += terms[i];
      state.epochTerms[i] += terms[i];
    }
  }
  const terms = meanTerms(window, steps.length);
  return { steps: steps.length, loss: sum(terms), terms, gradientNorm: norm };
}

function sum(terms: Record<TermName, number>): number {
  return TERM_NAMES.reduce((total, name) => total + terms[name], 0);
}

/** Saves all that the training goes on from. Every step's losses have been read. */
async function save({ context, tools, state, loader, clock }: Run, name = CHECKPOINT): Promise<void> {
  const { device, source, folder } = context;
  const metadata = {
    detector: tools.detector.config,
    classes: source.classes,
    choices: device.choices,
    teacherCache: cacheOf(context, state.recipe) !== null,
    ...state,
    // Without the clock: the same training has the same bytes.
    last: state.last && { ...state.last, imagesPerSecond: 0, seconds: 0 },
    stepsPerEpoch: loader.steps,
  };
  await saveCheckpoint(join(folder, name), tools, metadata, { withState: name === CHECKPOINT });
  const now = performance.now();
  if (name === CHECKPOINT) clock.lastSave = now;
  clock.lastRead = now;
}

/**
 * Evaluates where that is due, saves and logs. The order lets no fault lose anything: what has been trained is saved before
 * it is evaluated, and the checkpoint, which holds the line of the log too, is written before the log.
 * @returns false when the evaluation was aborted: it is done again when the training goes on
 */
async function endEpoch(run: Run, epoch: number, started: number): Promise<boolean> {
  const { context, state, loader, clock } = run;
  const { batch, epochs, evaluateEvery } = state.settings;
  const terms = meanTerms(state.epochTerms, loader.steps);
  const entry: LogEntry = {
    epoch: epoch + 1,
    ...assignerOf(state.recipe, epoch),
    step: state.step,
    learningRate: rateAt(run, state.step - 1),
    loss: sum(terms),
    terms,
    imagesPerSecond: clock.stepsTimed > 0 ? (batch * clock.stepsTimed) / clock.stepSeconds : 0,
    seconds: 0,
  };
  const isDue = evaluateEvery > 0 && (entry.epoch % evaluateEvery === 0 || entry.epoch === epochs);
  if (context.validation && isDue) {
    await save(run);
    const evaluated = await evaluateAverage(run, context.validation);
    if (!evaluated) return false;
    entry.evaluation = namedStatistics(evaluated.averagePrecision);
    if (evaluated.agreement) entry.agreement = evaluated.agreement;
    if (entry.evaluation.AP > state.bestAp) {
      state.bestAp = entry.evaluation.AP;
      await save(run, BEST);
    }
  }
  entry.seconds = (performance.now() - started) / 1000;
  state.epochTerms = [];
  state.last = entry;
  await save(run);
  await appendLog(context.folder, entry);
  context.onProgress?.({ kind: 'epoch', epochs, ...entry });
  return true;
}

/** Evaluates the moving average of the parameters. @returns null when it was aborted */
async function evaluateAverage({ context, tools, state }: Run, validation: ImageSource): Promise<Evaluation | null> {
  const { signal, teacher, teacherCache, onProgress } = context;
  if (signal?.aborted) return null;
  return tools.optimizer.usingAverage(() =>
    evaluate(tools.detector, {
      source: validation,
      batch: state.settings.batch,
      recipe: state.recipe,
      ...(teacher && { teacher: teacherOf(teacher) }),
      ...(teacher && teacherCache !== undefined && { teacherCache }),
      onWarning: (message) => warn(context, message),
      ...(signal && { signal }),
      onCompile: (done, of) => onProgress?.({ kind: 'compilation', done, of }),
      onProgress: (done, of) => onProgress?.({ kind: 'evaluation', done, of }),
    }),
  );
}

function warn({ onProgress }: TrainContext, message: string): void {
  onProgress?.({ kind: 'warning', message });
}
