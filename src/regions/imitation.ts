import bestSource from '../../shaders/regions/finegrained_best.wgsl';
import regionSource from '../../shaders/regions/imitation_region.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import type { Assignment } from './atss.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const BEST = { name: 'regions/finegrained_best', source: bestSource };
const REGION = { name: 'regions/imitation_region', source: regionSource };

/** The constants of shaders/regions/imitation_region.wgsl. */
const METHODS = { whole: 0, inside: 1, main: 2, finegrained: 3, decouple: 1 } as const;

/**
 * - `whole`: everywhere (FitNets, Romero et al., ICLR 2015);
 * - `inside`: the anchor's centre is strictly inside a box (what LD's reference implementation calls fitnet);
 * - `main`: the positives;
 * - `finegrained`: IoU with a box above half the highest that any anchor has with it (Wang et al., CVPR 2019);
 * - `decouple`: the foreground of DeFeat (Guo et al., CVPR 2021), as `inside`; its background is the rest.
 */
export type ImitationRegionMethod = keyof typeof METHODS;

/**
 * The region in which the student imitates the teacher's features; for the one that depends on what the nets say, see
 * `generalInstances`.
 * @param assignment of the same grid and truth; `main` uses it
 * @returns [N] f32, N as in `Assignment`: 1 inside, 0 outside, −1 where the location is beyond its image
 */
export function imitationRegion(
  method: ImitationRegionMethod,
  grid: Grid,
  truth: Truth,
  assignment: Pick<Assignment, 'label'>,
): Tensor {
  const { device } = truth.boxes;
  const locations = truth.batch * grid.locations;
  const params = gridParams(grid, truth.batch);
  const mask = device.empty([locations]);
  const best = device.empty([truth.count]);
  if (method === 'finegrained') {
    device.run({
      kernel: BEST,
      bindings: {
        boxes: truth.boxes.range4,
        images: truth.images.range,
        image_sizes: truth.imageSizes.range,
        best: best.range,
      },
      params: { ...params, count: truth.count },
      invocations: truth.count,
    });
  }
  device.run({
    kernel: REGION,
    constants: { METHOD: METHODS[method] },
    bindings: {
      boxes: truth.boxes.range4,
      image_starts: truth.imageStarts.range,
      image_sizes: truth.imageSizes.range,
      label: assignment.label.range,
      best: best.range,
      mask: mask.range,
    },
    params: { ...params, locations, classes: truth.classes },
    invocations: locations,
  });
  best.dispose();
  return mask;
}
