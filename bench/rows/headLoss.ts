import type { Device } from '../../src/tensor/device.js';
import { copyOf } from '../copy.js';
import type { Row } from '../row.js';
import { makeScene, type Scene, type SceneSize } from '../scene.js';

/** The whole head loss with its gradients, regions included; logits of both nets and the gradients stay on the GPU. */
export function headLossRow(name: string, size: SceneSize): Row {
  return {
    name,
    what: `head loss and its gradients with regions: ${size.batch} images of ${size.image}×${size.image}, ${size.classes} classes, ${size.bins} bins, ${size.boxes} boxes an image`,
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

/** Class logits read and their gradient written, the box gradient cleared, both nets' box logits of the listed rows read. */
async function leastBytes(
  device: Device,
  { batch, classes, bins }: SceneSize,
  { headLoss, input }: Scene,
): Promise<number> {
  const { vlr, label } = device.tidy(() => headLoss.evaluate(input).regions());
  const [weights, labels] = [await vlr.read(), await label.read()];
  const rows = weights.filter((weight, i) => weight > 0 || labels[i] < classes).length;
  return 4 * (batch * headLoss.grid.locations * (2 * classes + 4 * bins) + rows * 2 * 4 * bins);
}
