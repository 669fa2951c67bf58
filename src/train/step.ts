import { recomputed } from '../autograd/recomputed.js';
import { backward, backwardByLeaf, type Seed } from '../autograd/variable.js';
import type { Batch } from '../data/loader.js';
import { asItIs } from '../detector/layers.js';
import type { BufferPlan } from '../gpu/bufferPlan.js';
import type { HeadLoss } from '../losses/headLoss.js';
import type { HeadLossResult } from '../losses/headResult.js';
import { type Truth, uploadTruth } from '../regions/truth.js';
import { alone, type Parts } from '../tensor/parts.js';
import { Pyramid } from '../tensor/pyramid.js';
import { companionsOf, type Learner } from './learner.js';
import { sumGradients } from './sumGradients.js';
import type { TeacherStep } from './teacher.js';
import type { TermHistory } from './terms.js';

/** What all steps work with. */
export interface StepTools extends Learner {
  /** Of the net's head and the recipe. */
  headLoss: HeadLoss;
  /** Collects the terms of the steps on the GPU. */
  history: TermHistory;
  /** For the buffers of steps (`planStep`); changes how much memory they take, and nothing else. */
  plan?: BufferPlan;
}

/** Which batch of a step: the gradients of all are added, and the last makes the update. */
export interface BatchOfStep {
  /** From 0. */
  index: number;
  /** `accumulate` of the optimizer's settings. */
  of: number;
}

const WHOLE_STEP: BatchOfStep = { index: 0, of: 1 };

/**
 * Records and submits one step, or one batch of it: teacher and student forward, losses with gradients, backward, update. Uploads come first,
 * so that all the work is one submit; nothing is waited for.
 * @param teacherStep what the teacher gives for the batch; needed where the recipe distils
 * @param distillation factor of the distillation terms; 0 needs no teacher
 */
export function trainStep(
  tools: StepTools,
  batch: Batch,
  rate: number,
  teacherStep?: TeacherStep,
  distillation = 1,
  part: BatchOfStep = WHOLE_STEP,
): void {
  alone(stepParts(tools, batch, rate, teacherStep, distillation, part));
}

/** `trainStep` of one of the processes that share a step, for its part of the batch; stops where sums go over all of them. */
export function* stepParts(
  tools: StepTools,
  batch: Batch,
  rate: number,
  teacherStep?: TeacherStep,
  distillation = 1,
  { index, of }: BatchOfStep = WHOLE_STEP,
): Parts<void> {
  const { net, headLoss, optimizer, lossScale, history, plan } = tools;
  const optimizers = [optimizer, ...companionsOf(tools).map(([, companion]) => companion)];
  const { device } = optimizer.parameters;
  const { width, height } = net.config;
  device.follow(plan ?? null);
  yield* device.tidyParts(function* () {
    if (index === 0) for (const each of optimizers) each.begin(rate);
    const pixels = device.tensor(batch.images);
    const images = Pyramid.of(pixels, headLoss.batch, 3, [{ width, height }]);
    const { boxes, labels, imageIndex, ignore, ignoreIndex } = batch;
    const truth = uploadTruth(
      device,
      { boxes, labels, images: imageIndex, ignoreBoxes: ignore, ignoreImages: ignoreIndex },
      { batch: headLoss.batch, classes: headLoss.classes },
    );
    teacherStep?.begin();
    if (index === 0) for (const each of optimizers) each.parameters.zeroGradients();
    const { losses, seeds } = yield* lossesOf(tools, { images, truth, teacherStep, distillation });
    // Outputs of frozen parameters alone take no gradient.
    const learning = seeds.filter(({ variable }) => variable.requiresGradient);
    lossScale?.apply(learning.flatMap(({ gradient }) => gradient ?? []));
    const isLast = index === of - 1;
    if (isLast && headLoss.shares > 1) {
      const stores = optimizers.map(({ parameters }) => parameters);
      yield* sumGradients(stores, backwardByLeaf(learning));
    } else {
      backward(learning);
    }
    if (isLast) {
      for (const each of optimizers) each.update(lossScale?.inverse);
      lossScale?.adjust(optimizer);
    }
    history.push(losses);
  });
  device.submit();
  device.follow(null);
  teacherStep?.end();
}

interface StepInput {
  images: Pyramid;
  truth: Truth;
  teacherStep: TeacherStep | undefined;
  distillation: number;
}

interface Recorded {
  losses: Pick<HeadLossResult, 'terms' | 'faults'>;
  /** Where the gradients of the losses go. */
  seeds: Seed[];
}

/** Forward passes and losses. The teacher goes first: the student then reuses its memory. */
function* lossesOf(
  { net, adapter, cross, headLoss, recompute }: StepTools,
  { images, truth, teacherStep, distillation }: StepInput,
): Parts<Recorded> {
  const teacher = teacherStep?.outputs(images, cross?.teacherTower);
  const own = net.forward(images, { training: true, recompute, ...(cross && { tower: cross.tower }) });
  const crossed = cross && teacher ? cross.logits(own, teacher) : null;
  const compared = headLoss.recipe.imitation.weight > 0 ? own.features : undefined;
  const part = recompute ? recomputed : asItIs;
  const features = adapter && compared ? part([compared], ([maps]) => adapter.apply(maps)) : compared;
  const student = {
    classLogits: own.classLogits.value,
    boxLogits: own.boxLogits.value,
    ...(features && { features: features.value }),
  };
  const losses = yield* headLoss.evaluateParts({
    student,
    ...(teacher && { teacher }),
    ...(crossed && { cross: { classLogits: crossed.classLogits.value, boxLogits: crossed.boxLogits.value } }),
    truth,
    distillation,
  });
  const { gradients } = losses;
  const seeds = [
    { variable: own.classLogits, gradient: gradients.classLogits },
    { variable: own.boxLogits, gradient: gradients.boxLogits },
  ];
  if (gradients.features && features) seeds.push({ variable: features, gradient: gradients.features });
  if (gradients.cross && crossed) {
    for (const name of ['classLogits', 'boxLogits'] as const) {
      seeds.push({ variable: crossed[name], gradient: gradients.cross[name] });
    }
  }
  return { losses, seeds };
}
