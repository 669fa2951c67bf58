import { compileStep, sizesOf } from '../../src/train/fits.js';
import type { FirstCallRow } from '../firstCall.js';
import { makeScene, type SceneSize } from '../scene.js';
import { describeStep, makeStep, type StepSize } from './trainStep.js';

/** From a device without a compiled kernel to the losses being read. */
export function firstHeadLossRow(name: string, size: SceneSize): FirstCallRow {
  return {
    name,
    what: `first head loss without compiled kernels, until it is read: ${size.batch} images of ${size.image}×${size.image}, ${size.classes} classes, ${size.bins} bins`,
    call: async (device) => {
      const { headLoss, input } = makeScene(device, size);
      return async () => {
        await headLoss.evaluate(input).read();
      };
    },
  };
}

/** Likewise of a training step, whose kernels are compiled at once before it, as the trainer does. */
export function firstTrainStepRow(name: string, step: StepSize): FirstCallRow {
  return {
    name,
    what: `first training step ${describeStep(step)}, without compiled kernels, until its losses are read`,
    call: async (device) => {
      const made = await makeStep(device, step);
      return async () => {
        await compileStep(device, { ...made, net: sizesOf(made.config) }, () => {});
        made.record();
        await made.between();
      };
    },
  };
}
