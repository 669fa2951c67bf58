import type { Grid } from '../../src/regions/grid.js';
import type { GroundTruth } from '../../src/regions/truth.js';
import type { Device } from '../../src/tensor/device.js';
import { copyOf } from '../copy.js';
import type { Row } from '../row.js';
import { makeScene, type Scene, type SceneSize } from '../scene.js';

/** The whole head loss with its gradients, regions included; logits of both nets and the gradients stay on the GPU. */
export function headLossRow(name: string, size: SceneSize): Row {
  return {
    name,
    what: `head loss and its gradients with regions${size.recipe ? `, recipe ${size.recipe} (tfjs and jax are given the assignment)` : ''}: ${size.batch} images of ${size.image}×${size.image}, ${size.classes} classes, ${size.bins} bins, ${size.boxes} boxes an image`,
    prepare: async (device) => {
      const scene = makeScene(device, size);
      // The gradients go back to the pool: a training step uses the same memory again.
      const record = () => scene.headLoss.evaluate(scene.input).dispose();
      const scratchBytes = scratchOf(device, size, scene, record);
      const bytes = await leastBytes(device, size, scene);
      return { record, bytes, copy: copyOf(device, bytes), flop: null, scratchBytes };
    },
  };
}

/** Bytes of the pool that an evaluation takes beyond its gradients. */
function scratchOf(
  device: Device,
  { batch, classes, bins }: SceneSize,
  { headLoss }: Scene,
  evaluate: () => void,
): number {
  const heldBytes = (work: () => void) => {
    device.tidy(work);
    return device.pool.heldBytes;
  };
  const withGradients = heldBytes(() => {
    for (const channels of [classes, 4 * bins]) device.empty([batch * headLoss.grid.locations * channels]);
  });
  return heldBytes(evaluate) - withGradients;
}

/**
 * Class logits read and their gradient written, the box gradient cleared, both nets' box logits of the listed rows read; and those of
 * the student that an assigner decodes, where it asks what the student says: of all locations inside a box. With distillation at
 * all locations the teacher's class logits and the box logits of both nets are read, too, each once.
 */
async function leastBytes(
  device: Device,
  { batch, classes, bins }: SceneSize,
  { headLoss, objects, input }: Scene,
): Promise<number> {
  const { vlr, label } = device.tidy(() => headLoss.evaluate(input).regions());
  const [weights, labels] = [await vlr.read(), await label.read()];
  const rows = weights.filter((weight, i) => weight > 0 || labels[i] < classes).length;
  const { regions, kd, ld, iouLd } = headLoss.recipe;
  const decodes = regions.assigner !== 'atss';
  const distilsAll = ld.all > 0 || (iouLd.weight > 0 && iouLd.region === 'all');
  const boxRows = decodes ? rows + locationsInside(headLoss.grid, objects) : 2 * rows;
  const classWords = (kd.all > 0 || distilsAll ? 3 : 2) * classes;
  const boxWords = (distilsAll ? 3 : 1) * 4 * bins;
  return 4 * (batch * headLoss.grid.locations * (classWords + boxWords) + (distilsAll ? 0 : boxRows * 4 * bins));
}

/** Locations of all images whose centres lie inside a box. */
function locationsInside({ levels, strides, centreOffset }: Grid, { boxes, images }: GroundTruth): number {
  const found = new Set<string>();
  for (const [index, image] of Array.from(images).entries()) {
    const [left, top, right, bottom] = Array.from({ length: 4 }, (_, edge) => boxes[4 * index + edge]);
    for (const [level, { width, height }] of levels.entries()) {
      const centre = (cell: number) => (cell + centreOffset) * strides[level];
      for (let row = 0; row < height; row++) {
        if (centre(row) <= top || centre(row) >= bottom) continue;
        for (let column = 0; column < width; column++) {
          if (centre(column) > left && centre(column) < right) found.add([image, level, row, column].join());
        }
      }
    }
  }
  return found.size;
}
