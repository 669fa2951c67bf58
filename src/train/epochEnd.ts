import type { ImageSource } from '../data/source.js';
import { BEST } from './checkpoint.js';
import { type Evaluation, evaluate, namedStatistics } from './evaluate.js';
import type { LogEntry } from './logEntry.js';
import { assignerOf } from './phases.js';
import { isLeader } from './ranks.js';
import { loggedDistillation, type Run, rateAt, save, warn } from './run.js';
import { appendLog } from './runFolder.js';
import { teacherOf } from './teacher.js';
import { meanTerms } from './terms.js';
import { sum } from './window.js';

/**
 * Evaluates where due, saves and logs; rank 0 alone. No fault loses anything: a training is saved before it is evaluated, and the checkpoint,
 * which also holds the log's line, is written before the log.
 * @returns false when the evaluation was aborted: it is done again when the training goes on
 */
export async function endEpoch(run: Run, epoch: number, started: number): Promise<boolean> {
  const { context, state, steps, clock } = run;
  const { lossScale } = state;
  const { batch, accumulate, epochs, evaluateEvery } = state.settings;
  const terms = meanTerms(state.epochTerms, steps);
  const entry: LogEntry = {
    epoch: epoch + 1,
    ...assignerOf(state.recipe, epoch),
    step: state.step,
    learningRate: rateAt(run, state.step - 1),
    ...loggedDistillation(run, state.step - 1),
    ...(lossScale && { lossScale: lossScale.scale, skippedUpdates: lossScale.skipped }),
    loss: sum(terms),
    terms,
    imagesPerSecond: clock.stepsTimed > 0 ? (batch * accumulate * clock.stepsTimed) / clock.stepSeconds : 0,
    seconds: 0,
  };
  const isDue = evaluateEvery > 0 && (entry.epoch % evaluateEvery === 0 || entry.epoch === epochs);
  if (context.validation && isDue && isLeader(context)) {
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
  if (isLeader(context)) await appendLog(context.folder, entry);
  context.onProgress?.({ kind: 'epoch', epochs, ...entry });
  return true;
}

/** Evaluates the moving average. @returns null when it was aborted */
async function evaluateAverage(
  { context, tools, state, loader }: Run,
  validation: ImageSource,
): Promise<Evaluation | null> {
  const { signal, teacher, teacherCache, onProgress } = context;
  if (signal?.aborted) return null;
  return tools.optimizer.usingAverage(() =>
    evaluate(tools.net, {
      source: validation,
      batch: loader.made,
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
