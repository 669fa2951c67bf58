import type { BufferPlan } from '../gpu/bufferPlan.js';
import { adviceOn } from './advice.js';
import { cacheOf, type TrainContext, type TrainResult, type TrainState } from './context.js';
import { endEpoch } from './epochEnd.js';
import { compileStep, planStep } from './fits.js';
import type { Learner } from './learner.js';
import { recipeAt } from './phases.js';
import { provenanceOf } from './provenance.js';
import { assertSameTraining, decide, isLeader, leadersAnswer } from './ranks.js';
import { distillationOf, headLossOf, isSaveDue, makeRun, READ_EVERY, type Run, rateAt, save, warn } from './run.js';
import { readLog } from './runFolder.js';
import { stepParts, trainStep } from './step.js';
import { computing } from './teacher.js';
import { TeacherCache } from './teacherCache.js';
import { together } from './together.js';
import { report } from './window.js';

/** Steps that may be queued: more would only take memory and delay an interruption. */
const MAX_QUEUED = 4;

/** The loop over epochs and steps, from `state` on. @param prepareFolder called after all checks @throws InputError as `train` */
export async function runEpochs(
  context: TrainContext,
  learner: Learner,
  state: TrainState,
  prepareFolder: () => Promise<void>,
): Promise<TrainResult> {
  const { signal, ranks } = context;
  const run = makeRun(context, learner, state);
  const { steps, total } = run;
  const result = async (interrupted: boolean) => ({
    ...{ interrupted, step: state.step, last: state.last },
    advice:
      interrupted || !isLeader(context)
        ? null
        : adviceOn(await readLog(context.folder), {
            isGiven: provenanceOf(learner.net).student !== undefined,
            steps: run.total,
            warmupSteps: state.settings.warmupSteps,
          }),
  });
  try {
    if (isLeader(context)) await prepareFolder();
    await assertSameTraining(context, learner, state);
    // From here on the folder can be gone on with; a disk without room for it is told now.
    if (state.step === 0) await save(run);
    const cache = await openCache(run);
    if (state.step < total) await compile(run);
    // An epoch that has terms but no steps left was stopped during its evaluation.
    while (state.step < total || state.epochTerms.length > 0) {
      const epoch = Math.floor((state.step - Math.sign(state.epochTerms.length)) / steps);
      const started = performance.now();
      const ended =
        (await runSteps(run, epoch, cache)) && (await leadersAnswer(ranks, await endEpoch(run, epoch, started)));
      const { stops } = await decide(ranks, { stops: signal?.aborted === true, saves: false });
      if (!ended || (stops && state.step < total)) return await result(true);
    }
    return await result(false);
  } finally {
    run.tools.history.dispose();
    context.device.forgetPlan();
  }
}

/** Compiles the kernels of all steps, so that none takes a minute in silence. */
function compile({ context: { device, onProgress, ranks }, tools, state, loader, steps }: Run): Promise<void> {
  const { net, teacher } = tools;
  const { recipe, settings, step } = state;
  const epoch = Math.floor(step / steps);
  const sizes = { net, batch: loader.made, shares: ranks?.size ?? 1, recipe, settings, teacher, epoch };
  return compileStep(device, sizes, (done, of) => onProgress?.({ kind: 'compilation', done, of }));
}

async function openCache({ context, tools: { teacher }, state, loader }: Run): Promise<TeacherCache | null> {
  const folder = cacheOf(context, state.recipe);
  if (!teacher || folder === null) return null;
  return TeacherCache.open(folder, teacher, loader, {
    features: state.recipe.imitation.weight > 0,
    warn: (message) => warn(context, message),
  });
}

/** For the buffers of an epoch's steps; another than before only where they are other steps. */
function planOf(run: Run, epoch: number, isCached: boolean): BufferPlan {
  const { context, tools, state, loader, steps, planned } = run;
  const { net, teacher } = tools;
  const { settings } = state;
  const recipe = recipeAt(state.recipe, epoch);
  const distillation = Math.max(distillationOf(run, epoch * steps), distillationOf(run, (epoch + 1) * steps - 1));
  const key = JSON.stringify([recipe.regions.assigner, distillation > 0]);
  if (planned?.key === key) return planned.plan;
  // From a cache come maps alone.
  const { size: _, ...config } = teacher?.config ?? net.config;
  const { featureChannels = 0, recipe: head } = teacher ?? {};
  const outputs = teacher && isCached ? { config, featureChannels, ...(head && { recipe: head }) } : teacher;
  const sizes = { net, batch: loader.made, shares: context.ranks?.size ?? 1, recipe, settings, distillation };
  const plan = planStep(context.device, { ...sizes, teacher: outputs });
  run.planned = { key, plan };
  return plan;
}

/** The remaining steps of an epoch. @returns false when it was aborted before their end: the state is saved */
async function runSteps(run: Run, epoch: number, cache: TeacherCache | null): Promise<boolean> {
  const { context, tools, state, loader, steps, clock } = run;
  const { ranks } = context;
  const { accumulate } = state.settings;
  const fromBatch = (state.step - epoch * steps) * accumulate;
  let index = 0; // of a batch in its step
  const computed = tools.teacher ? computing(tools.teacher) : null;
  // Distillation that has ended does not come back: the teacher is not asked any more.
  const isTaught = () => state.step < run.total && distillationOf(run, state.step) > 0;
  const outputs = isTaught() ? ((await cache?.epoch(epoch, fromBatch)) ?? computed) : null;
  tools.headLoss = headLossOf(context, tools, state, epoch);
  tools.plan = planOf(run, epoch, cache !== null);
  clock.lastRead = performance.now();
  try {
    for await (const images of loader.batches(epoch, fromBatch)) {
      const teacherStep = isTaught() ? await outputs?.step(images) : undefined;
      const of = { index, of: accumulate };
      const step = [tools, images, rateAt(run, state.step), teacherStep, distillationOf(run, state.step), of] as const;
      if (ranks) await together(stepParts(...step), ranks);
      else trainStep(...step);
      index = (index + 1) % accumulate;
      if (index > 0) {
        if (tools.history.batches % MAX_QUEUED === 0) await context.device.settled();
        continue;
      }
      state.step++;
      const ends = state.step % steps === 0;
      // Asked once: everything below has to agree on it, however long it waits.
      const own = { stops: context.signal?.aborted === true, saves: isSaveDue(run) };
      const { stops, saves: isDue } = ranks ? await decide(ranks, own) : own;
      const saves = !ends && (stops || isDue);
      if (saves || ends || tools.history.pending === READ_EVERY) {
        await report(run, epoch);
      } else if (tools.history.batches % MAX_QUEUED === 0) {
        await context.device.settled();
      }
      if (saves) await save(run);
      if (stops) break;
    }
  } finally {
    await outputs?.close();
  }
  return state.step % steps === 0;
}
