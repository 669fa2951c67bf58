import { backward, type Seed } from '../autograd/variable.js';
import type { Batch } from '../data/loader.js';
import type { DetectorOutputs } from '../detector/detector.js';
import type { HeadLoss, HeadOutputs } from '../losses/headLoss.js';
import { uploadTruth } from '../regions/truth.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Learner } from './learner.js';
import type { TermHistory } from './terms.js';

/** What a step works with; the same objects in every step. */
export interface StepTools extends Learner {
  headLoss: HeadLoss;
  history: TermHistory;
}

/**
 * Records and submits one step: teacher and student forward, losses with their gradients, backward, update. The uploads
 * come first, so that all the work is one submit; nothing is read back.
 */
export function trainStep(tools: StepTools, batch: Batch, rate: number): void {
  const { detector, teacher, adapter, headLoss, optimizer, history } = tools;
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
    for (const each of optimizers) each.parameters.zeroGradients();
    // The teacher goes first: its intermediates are back in the pool when the student needs memory for its graph.
    const taught = teacher && valuesOf(teacher.forward(images, { training: false }));
    const outputs = detector.forward(images, { training: true });
    const features = adapter ? adapter.apply(outputs.features) : outputs.features;
    const losses = headLoss.evaluate({
      student: valuesOf({ ...outputs, features }),
      ...(taught && { teacher: taught }),
      truth,
    });
    const { gradients } = losses;
    const seeds: Seed[] = [
      { variable: outputs.classLogits, gradient: gradients.classLogits },
      { variable: outputs.boxLogits, gradient: gradients.boxLogits },
    ];
    if (gradients.features) seeds.push({ variable: features, gradient: gradients.features });
    backward(seeds);
    for (const each of optimizers) each.update();
    history.push(losses);
  });
  device.submit();
}

function valuesOf({ classLogits, boxLogits, features }: DetectorOutputs): HeadOutputs {
  return { classLogits: classLogits.value, boxLogits: boxLogits.value, features: features.value };
}
