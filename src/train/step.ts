import { backward, type Seed } from '../autograd/variable.js';
import type { Batch } from '../data/loader.js';
import type { DetectorBranches, DetectorOutputs } from '../detector/detector.js';
import type { BoxInput } from '../losses/boxLayer.js';
import type { HeadLoss, HeadLossResult, HeadOutputs } from '../losses/headLoss.js';
import { type Truth, uploadTruth } from '../regions/truth.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Learner } from './learner.js';
import type { TeacherMaps, TeacherStep } from './teacherCache.js';
import type { TermHistory } from './terms.js';

/** What a step works with; the same objects in every step. */
export interface StepTools extends Learner {
  headLoss: HeadLoss;
  history: TermHistory;
}

/**
 * Records and submits one step: teacher and student forward, losses with their gradients, backward, update. The uploads
 * come first, so that all the work is one submit; nothing is waited for.
 * @param cached what the teacher gives, from a cache
 */
export function trainStep(tools: StepTools, batch: Batch, rate: number, cached?: TeacherStep): void {
  const { detector, adapter, headLoss, optimizer, history } = tools;
  const optimizers = adapter ? [optimizer, adapter.optimizer] : [optimizer];
  const { device } = optimizer.parameters;
  const { width, height } = detector.config;
  device.tidy(() => {
    for (const each of optimizers) each.begin(rate);
    const pixels = device.tensor(batch.images);
    const images = Pyramid.of(pixels, headLoss.batch, 3, [{ width, height }]);
    const { boxes, labels, imageIndex, ignore, ignoreIndex } = batch;
    const truth = uploadTruth(
      device,
      { boxes, labels, images: imageIndex, ignoreBoxes: ignore, ignoreImages: ignoreIndex },
      { batch: headLoss.batch, classes: headLoss.classes },
    );
    cached?.begin();
    for (const each of optimizers) each.parameters.zeroGradients();
    const record = headLoss.recipe.box.branch === 'listed' ? listed : dense;
    const { losses, seeds } = record(tools, images, truth, cached?.outputs(images));
    backward(seeds);
    for (const each of optimizers) each.update();
    history.push(losses);
  });
  device.submit();
  cached?.end();
}

interface Recorded {
  losses: Pick<HeadLossResult, 'terms' | 'faults'>;
  /** Where the gradients of the losses go. */
  seeds: Seed[];
}

// The teacher goes first: its intermediates are back in the pool when the student needs memory for its graph.

/** Forward passes to the logits of all locations, and the losses. */
function dense(
  { detector, teacher, adapter, headLoss }: StepTools,
  images: Pyramid,
  truth: Truth,
  cached?: TeacherMaps,
): Recorded {
  const outputsOf = ({ classLogits, boxLogits, features }: DetectorOutputs) => ({
    classLogits: classLogits.value,
    boxLogits: boxLogits.value,
    features: features.value,
  });
  const taught = cached ?? (teacher && outputsOf(teacher.forward(images, { training: false })));
  const own = detector.forward(images, { training: true });
  const features = adapter ? adapter.apply(own.features) : own.features;
  const student = outputsOf({ ...own, features });
  const losses = headLoss.evaluate({ student, ...(taught && { teacher: taught }), truth });
  const { gradients } = losses;
  const seeds = [
    { variable: own.classLogits, gradient: gradients.classLogits },
    { variable: own.boxLogits, gradient: gradients.boxLogits },
  ];
  if (gradients.features) seeds.push({ variable: features, gradient: gradients.features });
  return { losses, seeds };
}

/**
 * Forward passes that leave the box branches' last layers to the head loss, and the losses (Cut LD). A cache holds the
 * teacher's logits: then only the student's layer is left.
 */
function listed(
  { detector, teacher, adapter, headLoss }: StepTools,
  images: Pyramid,
  truth: Truth,
  cached?: TeacherMaps,
): Recorded {
  const outputsOf = ({ classLogits, boxBranch, features }: DetectorBranches) => ({
    classLogits: classLogits.value,
    boxLogits: {
      features: boxBranch.features.value,
      weight: boxBranch.weight.value,
      bias: boxBranch.bias.value,
      levelScales: boxBranch.levelScales.value,
    },
    features: features.value,
  });
  const branch = teacher && !cached ? teacher.forwardToBoxBranch(images, { training: false }) : null;
  const taught: HeadOutputs<BoxInput> | null = cached ?? (branch && outputsOf(branch));
  const own = detector.forwardToBoxBranch(images, { training: true });
  const features = adapter ? adapter.apply(own.features) : own.features;
  const student = outputsOf({ ...own, features });
  const losses = headLoss.evaluate({ student, ...(taught && { teacher: taught }), truth });
  const { gradients } = losses;
  const { levelScales } = gradients.boxLogits;
  const seeds = [
    { variable: own.classLogits, gradient: gradients.classLogits },
    { variable: own.boxBranch.features, gradient: gradients.boxLogits.features },
    { variable: own.boxBranch.weight, gradient: gradients.boxLogits.weight },
    { variable: own.boxBranch.bias, gradient: gradients.boxLogits.bias },
  ];
  if (levelScales) seeds.push({ variable: own.boxBranch.levelScales, gradient: levelScales });
  if (gradients.features) seeds.push({ variable: features, gradient: gradients.features });
  return { losses, seeds };
}
