import type { Batch } from '../../src/data/loader.js';
import { architectureOf, type DetectorConfig, type DetectorSize, detectorConfig } from '../../src/detector/config.js';
import { Detector, flops } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { type PartialRecipe, resolveRecipe } from '../../src/losses/recipe.js';
import type { Device } from '../../src/tensor/device.js';
import { Random } from '../../src/tensor/random.js';
import type { StoredType } from '../../src/tensor/stored.js';
import { planStep } from '../../src/train/fits.js';
import { makeLearner } from '../../src/train/learner.js';
import { trainSettings } from '../../src/train/settings.js';
import { trainStep } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import type { Row } from '../row.js';
import { randomTruth } from '../scene.js';

export interface StepSize {
  size: DetectorSize;
  /** Frozen, where the recipe distils. */
  teacher?: DetectorSize;
  recipe: string | PartialRecipe;
  /** Of both nets' maps; default f32. */
  precision?: StoredType;
  /** Whether the forward pass is computed again for the gradients; default false. */
  recompute?: boolean;
  batch: number;
  classes: number;
  /** Pixels of the network's input, multiples of 32. */
  width: number;
  height: number;
  /** Boxes an image. */
  boxes: number;
}

/** Steps between two looks at the losses; more than a measurement has. */
const HISTORY = 128;

/** A step as the trainer makes it: images uploaded, forward, head loss, backward, update. */
export function trainStepRow(name: string, step: StepSize): Row {
  const { teacher, batch, precision } = step;
  return {
    name,
    ...(precision === 'f16' && { needs: 'shader-f16' as const }),
    what: `training step ${describeStep(step)}`,
    prepare: async (device) => {
      const { config, record, between } = await makeStep(device, step);
      const { heldBytes } = device.pool;
      record();
      await between();
      return {
        record,
        between,
        scratchBytes: device.pool.heldBytes - heldBytes,
        bytes: null,
        copy: null,
        flop: batch * (stepFlops(config) + (teacher ? flops(configOf(step, teacher)) : 0)),
      };
    },
  };
}

/** A step in words, for `--help`. */
export function describeStep({ size, teacher, recipe, precision, recompute, batch, width, height }: StepSize): string {
  const taught = teacher ? ` with the frozen teacher ${teacher}` : '';
  const { name } = resolveRecipe(recipe);
  const stored = `${precision ? `, maps in ${precision}` : ''}${recompute ? ', recomputed' : ''}`;
  return `of the detector ${size}${taught}, recipe ${name}${stored}, ${batch} images of ${width}×${height}`;
}

/** The nets, the head loss and the batch of a step. `record` makes one; `between` reads the losses of those made since. */
export async function makeStep(device: Device, step: StepSize) {
  const { size, teacher, batch, width, height, precision = 'f32', recompute = false } = step;
  const config = configOf(step, size);
  const recipe = resolveRecipe(step.recipe);
  const settings = trainSettings({ batch, precision, recompute });
  const frozen = teacher && new Detector(device, configOf(step, teacher), { seed: 2, precision });
  const learner = makeLearner(new Detector(device, config, { seed: 1, precision }), frozen, recipe, settings);
  const headLoss = new HeadLoss(device, { ...config, imageSize: { width, height }, batch, recipe });
  const history = new TermHistory(headLoss, HISTORY);
  const { net, teacher: taughtBy } = learner;
  const plan = planStep(device, { net, batch, recipe, settings, teacher: taughtBy });
  const images = randomBatch(step);
  const taught = await learner.teacher?.prepare(images);
  let steps = 0;
  const record = () => {
    steps++;
    trainStep({ ...learner, headLoss, history, plan }, images, settings.learningRate / settings.warmupSteps, taught);
  };
  // Throws where a loss is not finite: a broken step is not worth timing.
  const between = async () => {
    await history.take(steps);
  };
  return { config, batch, recipe, settings, teacher: learner.teacher, record, between };
}

function configOf({ classes, width, height }: StepSize, size: DetectorSize): DetectorConfig {
  return detectorConfig({ size, classes, width, height });
}

/** The convolutions' forward, input gradients and weight gradients of one image; the images themselves need no gradient. */
function stepFlops(config: DetectorConfig): number {
  const [stem] = architectureOf(config).stem;
  const first = 2 * 3 * 3 ** 2 * stem * Math.ceil(config.width / 2) * Math.ceil(config.height / 2);
  return 3 * flops(config) - first;
}

function randomBatch({ batch, classes, width, height, boxes }: StepSize): Batch {
  const random = Random.of(batch, width);
  const truth = randomTruth({ batch, boxes, classes, width, height });
  return {
    images: Float32Array.from({ length: batch * 3 * height * width }, () => random.normal()),
    boxes: Float32Array.from(truth.boxes),
    labels: Int32Array.from(truth.labels),
    imageIndex: Int32Array.from(truth.images),
    ignore: new Float32Array(),
    ignoreIndex: new Int32Array(),
    ids: [],
    scales: [],
  };
}
