import { TERM_NAMES, type TermName } from '../losses/headTerms.js';
import { DeviceError } from '../util/error.js';
import type { TrainContext, TrainState } from './context.js';
import { companionsOf } from './learner.js';
import { LEAST } from './lossScale.js';
import { assignerOf } from './phases.js';
import { isLeader, sumAll } from './ranks.js';
import { loggedDistillation, type Run, rateAt, warn } from './run.js';
import type { StepTools } from './step.js';
import { meanTerms } from './terms.js';

/** Reads the losses of the last steps and tells how the training gets on. */
export async function report(run: Run, epoch: number): Promise<void> {
  const { context, tools, state, total, clock } = run;
  const { batch, accumulate, epochs } = state.settings;
  const { steps, ...window } = await readWindow(context, tools, state);
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
    ...loggedDistillation(run, state.step - 1),
    ...window,
    imagesPerSecond: (batch * accumulate * steps) / seconds,
    secondsLeft: ((total - state.step) * clock.stepSeconds) / clock.stepsTimed,
  });
}

/** Adds the terms of the last steps to the epoch's, step by step, so that their sum does not depend on when they are read. */
async function readWindow(context: TrainContext, tools: StepTools, state: TrainState) {
  const { ranks } = context;
  const { history, optimizer, lossScale } = tools;
  const steps = await history.take(state.step);
  await sumAll(ranks, steps);
  const { norm, ...student } = await optimizer.readControl();
  const companions = await Promise.all(companionsOf(tools).map(([, companion]) => companion.readControl()));
  if (lossScale) state.lossScale = await lossScale.read();
  const skipped = { student: student.skipped, companions: companions.reduce((all, own) => all + own.skipped, 0) };
  const warning = judgeSkipped(skipped, { steps: steps.length, step: state.step, scale: state.lossScale?.scale });
  if (warning !== null && isLeader(context)) warn(context, warning);
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

/**
 * What skipped updates mean. A loss scale that was too large shows in the student's gradients and has been halved.
 * @param skipped of the last steps, by the student and by what learns beside it
 * @param at `scale` where maps are stored in f16
 * @returns a warning; null where none was skipped
 * @throws DeviceError where a lower loss scale is no cure
 */
export function judgeSkipped(
  skipped: { student: number; companions: number },
  { steps, step, scale }: { steps: number; step: number; scale: number | undefined },
): string | null {
  const all = skipped.student + skipped.companions;
  if (all === 0) return null;
  if (scale === undefined || scale <= LEAST || skipped.student === 0) {
    throw new DeviceError(
      `${all} of the last ${steps} updates up to step ${step} were skipped: a gradient was NaN or infinite though every loss is finite. ` +
        'A lower learning rate or more warm-up steps keep a training finite; the last checkpoint is whole.',
    );
  }
  const updates = skipped.student === 1 ? '1 update was' : `${skipped.student} updates were`;
  return `up to step ${step} ${updates} skipped: a gradient left the range of f16; the loss scale is now ${scale}`;
}

export function sum(terms: Record<TermName, number>): number {
  return TERM_NAMES.reduce((total, name) => total + terms[name], 0);
}
