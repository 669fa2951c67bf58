import type { Batch } from '../../src/data/loader.js';
import { architectureOf, type DetectorSize, detectorConfig } from '../../src/detector/config.js';
import { Detector, flops } from '../../src/detector/detector.js';
import { HeadLoss } from '../../src/losses/headLoss.js';
import { type Recipe, resolveRecipe } from '../../src/losses/recipe.js';
import { Random } from '../../src/tensor/random.js';
import { makeLearner } from '../../src/train/learner.js';
import { trainSettings } from '../../src/train/settings.js';
import { trainStep } from '../../src/train/step.js';
import { TermHistory } from '../../src/train/terms.js';
import type { Row } from '../row.js';
import { randomTruth } from '../scene.js';

interface StepSize {
  size: DetectorSize;
  /** Frozen, where the recipe distils. */
  teacher?: DetectorSize;
  recipe: string;
  /** The recipe's `box.branch`; default `dense`. */
  branch?: Recipe['box']['branch'];
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
  const { size, teacher, recipe: recipeName, branch = 'dense', batch, classes, width, height } = step;
  const taught = teacher ? ` with the frozen teacher ${teacher}` : '';
  return {
    name,
    what: `training step of the detector ${size}${taught}, recipe ${recipeName}, branch ${branch}, ${batch} images of ${width}×${height}`,
    prepare: async (device) => {
      const config = (of: DetectorSize) => detectorConfig({ size: of, classes, width, height });
      const detector = new Detector(device, config(size), { seed: 1 });
      const named = resolveRecipe(recipeName);
      const recipe = { ...named, box: { ...named.box, branch } };
      const settings = trainSettings({ batch });
      const frozen = teacher && new Detector(device, config(teacher), { seed: 2 });
      const learner = makeLearner(detector, frozen, recipe, settings);
      const headLoss = new HeadLoss(device, { ...detector.config, imageSize: { width, height }, batch, recipe });
      const history = new TermHistory(headLoss, HISTORY);
      const images = randomBatch(step);
      const taught = await learner.teacher?.prepare(images);
      let steps = 0;
      const record = () => {
        steps++;
        trainStep({ ...learner, headLoss, history }, images, settings.learningRate / settings.warmupSteps, taught);
      };
      // Throws where a loss is not finite: a broken step is not worth timing.
      const between = async () => {
        await history.take(steps);
      };
      const { heldBytes } = device.pool;
      record();
      await between();
      return {
        record,
        between,
        scratchBytes: device.pool.heldBytes - heldBytes,
        bytes: null,
        copy: null,
        // Of the branch `listed` only the GPU knows how much it computes.
        flop: branch === 'listed' ? null : batch * (stepFlops(config(size)) + (teacher ? flops(config(teacher)) : 0)),
      };
    },
  };
}

/** The convolutions' forward, input gradients and weight gradients of one image; the images themselves need no gradient. */
function stepFlops(config: ReturnType<typeof detectorConfig>): number {
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
