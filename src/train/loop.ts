import { join } from 'node:path';
import type { ImageSource } from '../data/source.js';
import type { Detector } from '../detector/detector.js';
import { HeadLoss, TERM_NAMES, type TermName } from '../losses/headLoss.js';
import { needsTeacher, type Recipe } from '../losses/recipe.js';
import type { Device } from '../tensor/device.js';
import { DeviceError } from '../util/error.js';
import { BEST, CHECKPOINT, saveCheckpoint } from './checkpoint.js';
import { assertClasses, evaluate, namedStatistics } from './evaluate.js';
import type { Learner } from './learner.js';
import { appendLog, type LogEntry, type RunOrigin } from './runFolder.js';
import { learningRateAt } from './schedule.js';
import type { TrainSettings } from './settings.js';
import { type StepTools, trainStep } from './step.js';
import { computing, type Teacher, teacherOf } from './teacher.js';
import { TeacherCache } from './teacherCache.js';
import { meanTerms, TermHistory } from './terms.js';
import { trainingLoader } from './trainingLoader.js';

/** Steps between two looks at the losses: reading them makes the GPU wait for the host. */
const READ_EVERY = 10;
/** Steps that may be queued: more would only hold memory and delay an interruption. */
const MOST_QUEUED = 4;

/** Where a training is, every few steps. */
export interface StepProgress {
  /** From 1. */
  epoch: number;
  /** Of the whole training. */
  epochs: number;
  /** Steps done, and all of the training. */
  step: number;
  /** Likewise. */
  steps: number;
  /** Of the last step. */
  learningRate: number;
  /** Means over the steps since the last report, summed over the levels, weights included. */
  loss: number;
  /** Likewise, term by term. */
  terms: Record<TermName, number>;
  /** Norm of the last step's gradients before clipping. */
  gradientNorm: number;
  /** Since the training was last started, without evaluations. */
  imagesPerSecond: number;
  /** Of the remaining steps; evaluation comes on top. */
  secondsLeft: number;
}

/** Reported every few steps. */
export interface StepReport extends StepProgress {
  /** Tells the reports apart. */
  kind: 'step';
}

/** Reported while a training evaluates. */
export interface EvaluationReport {
  /** Tells the reports apart. */
  kind: 'evaluation';
  /** Images done. */
  done: number;
  /** Images in all. */
  of: number;
}

/** Reported at the end of each epoch: its line of the log. */
export interface EpochReport extends LogEntry {
  /** Tells the reports apart. */
  kind: 'epoch';
  /** Of the whole training. */
  epochs: number;
}

/** Something is wrong that does not stop the training. */
export interface WarningReport {
  /** Tells the reports apart. */
  kind: 'warning';
  /** One line, for people. */
  message: string;
}

/** How a training gets on. */
export type TrainProgress = StepReport | EvaluationReport | EpochReport | WarningReport;

/** What a training needs besides what its checkpoints hold. */
export interface TrainContext {
  /** What it runs on. */
  device: Device;
  /** The images to learn from. */
  source: ImageSource;
  /** The images to evaluate on; without them it is never evaluated. */
  validation?: ImageSource;
  /** Frozen; needed where the recipe distils, elsewhere only compared with at each evaluation. It stays the caller's. */
  teacher?: Detector | Teacher;
  /**
   * Folder in which the teacher's outputs are kept as half floats, for this and other trainings. Rounding changes the bits, so
   * a training goes on with a cache if it began with one.
   */
  teacherCache?: string;
  /** Where data and teacher are, for `run.json`. */
  origin?: RunOrigin;
  /** The run's folder: `checkpoint.safetensors`, `best.safetensors`, `log.jsonl`, `run.json`. */
  folder: string;
  /** Told how the training gets on. */
  onProgress?: (progress: TrainProgress) => void;
  /** Once aborted, the step under way is finished and the state saved. */
  signal?: AbortSignal;
}

/** How a training ended. */
export interface TrainResult {
  /** True where it was aborted: `resumeTraining` goes on from the folder. */
  interrupted: boolean;
  /** Steps done since the start of the training. */
  step: number;
  /** The last epoch's line of the log; null before the end of the first. */
  last: LogEntry | null;
}

/** What changes while training, besides the tensors. */
export interface TrainState {
  readonly recipe: Recipe;
  readonly settings: TrainSettings;
  step: number;
  /** Sums of the terms over the steps done of the epoch under way, in the order of the steps. */
  epochTerms: number[];
  bestAp: number;
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
  const { device, source, validation, folder, onProgress, signal } = context;
  const teacherCache = cacheOf(context, state.recipe);
  const compared = context.teacher && teacherOf(context.teacher);
  const warn = (message: string) => onProgress?.({ kind: 'warning', message });
  const { recipe, settings } = state;
  const { batch, epochs, evaluateEvery } = settings;
  const { detector, optimizer, teacher } = learner;
  const { config } = detector;
  assertClasses(detector, source);
  const loader = trainingLoader(source, config, settings);
  const total = epochs * loader.steps;
  const imageSize = { width: config.width, height: config.height };
  const headLoss = new HeadLoss(device, { ...config, imageSize, batch, recipe });
  const history = new TermHistory(headLoss, READ_EVERY);
  const tools = { ...learner, headLoss, history };
  const rateAt = (step: number) => learningRateAt(settings, step, total);
  const save = (name: string, withState: boolean) =>
    saveCheckpoint(
      join(folder, name),
      learner,
      {
        detector: config,
        classes: source.classes,
        choices: device.choices,
        teacherCache: teacherCache !== null,
        ...state,
        stepsPerEpoch: loader.steps,
      },
      { withState },
    );

  let stepSeconds = 0;
  let stepsTimed = 0;
  let last: LogEntry | null = null;
  try {
    await prepareFolder();
    const features = recipe.imitation.weight > 0;
    const cache =
      teacher && teacherCache !== null
        ? await TeacherCache.open(teacherCache, teacher, loader, { features, warn })
        : null;
    // An epoch that has terms but no steps left was interrupted in its evaluation.
    while (state.step < total || state.epochTerms.length > 0) {
      const epoch = Math.floor((state.step - Math.sign(state.epochTerms.length)) / loader.steps);
      const fromStep = state.step - epoch * loader.steps;
      const epochStarted = performance.now();
      let lastRead = epochStarted;
      const computed = teacher ? computing(teacher) : null;
      const taught = cache ? await cache.epoch(epoch, fromStep) : computed;
      try {
        for await (const images of loader.batches(epoch, fromStep)) {
          trainStep(tools, images, rateAt(state.step), await taught?.step(images));
          state.step++;
          const ends = state.step % loader.steps === 0 || signal?.aborted === true;
          if (history.pending === READ_EVERY || ends) {
            const { steps, ...window } = await readWindow(tools, state);
            const seconds = (performance.now() - lastRead) / 1000;
            lastRead = performance.now();
            stepSeconds += seconds;
            stepsTimed += steps;
            onProgress?.({
              kind: 'step',
              epoch: epoch + 1,
              epochs,
              step: state.step,
              steps: total,
              learningRate: rateAt(state.step - 1),
              ...window,
              imagesPerSecond: (batch * steps) / seconds,
              secondsLeft: ((total - state.step) * stepSeconds) / stepsTimed,
            });
          } else if (history.pending % MOST_QUEUED === 0) {
            await device.settled();
          }
          if (signal?.aborted) break;
        }
      } finally {
        await taught?.close();
      }
      if (state.step % loader.steps !== 0) {
        await save(CHECKPOINT, true);
        return { interrupted: true, step: state.step, last };
      }

      const terms = meanTerms(state.epochTerms, loader.steps);
      const entry: LogEntry = {
        epoch: epoch + 1,
        step: state.step,
        learningRate: rateAt(state.step - 1),
        loss: sum(terms),
        terms,
        imagesPerSecond: stepsTimed > 0 ? (batch * stepsTimed) / stepSeconds : 0,
        seconds: 0,
      };
      const isDue = evaluateEvery > 0 && (entry.epoch % evaluateEvery === 0 || entry.epoch === epochs);
      if (validation && isDue) {
        const evaluated = await optimizer.usingAverage(async () =>
          signal?.aborted
            ? null
            : evaluate(detector, {
                source: validation,
                batch,
                recipe,
                ...(compared && { teacher: compared }),
                ...(compared && context.teacherCache !== undefined && { teacherCache: context.teacherCache }),
                onWarning: warn,
                ...(signal && { signal }),
                onProgress: (done, of) => onProgress?.({ kind: 'evaluation', done, of }),
              }),
        );
        if (!evaluated) {
          await save(CHECKPOINT, true);
          return { interrupted: true, step: state.step, last };
        }
        entry.evaluation = namedStatistics(evaluated.averagePrecision);
        if (evaluated.agreement) entry.agreement = evaluated.agreement;
        if (entry.evaluation.AP > state.bestAp) {
          state.bestAp = entry.evaluation.AP;
          await save(BEST, false);
        }
      }
      state.epochTerms = [];
      entry.seconds = (performance.now() - epochStarted) / 1000;
      await appendLog(folder, entry);
      await save(CHECKPOINT, true);
      last = entry;
      onProgress?.({ kind: 'epoch', epochs, ...entry });
      if (signal?.aborted && state.step < total) return { interrupted: true, step: state.step, last };
    }
    return { interrupted: false, step: state.step, last };
  } finally {
    history.dispose();
  }
}

/** The folder of the cache that a training uses; null where it has none, or no teacher. */
export function cacheOf({ teacherCache }: TrainContext, recipe: Recipe): string | null {
  return teacherCache !== undefined && needsTeacher(recipe) ? teacherCache : null;
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
