import source from '../../shaders/regions/valuable_region.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { assertTensor } from '../tensor/tensorArgument.js';
import { anything, fields, number, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid, assertTruth } from './argument.js';
import type { Assignment } from './atss.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const KERNEL = { name: 'regions/valuable_region', source };

/** Form and size of the region. */
export interface ValuableRegionOptions {
  /**
   * `paper` (default): γ·t ≤ DIoU ≤ t (Zheng et al., CVPR 2022, algorithm 1); `reference`: what the authors' code computes,
   * γ·t ≤ intersection / area(anchor) − ρ²/c² < t. The two select quite different sets on fine levels.
   */
  variant?: 'paper' | 'reference';
  /** Lower end of the interval as a share of t, 0 to 1: 1 leaves nothing, 0 the largest region. Default 0.25. */
  gamma?: number;
}

const ASSIGNMENT = fields({ thresholds: anything });
const OPTIONS = optionsOf({ variant: optional(oneOf('paper', 'reference')), gamma: optional(number) });

/**
 * Valuable localization region (VLR): the locations around the main region from which localization is distilled too.
 * Neither positives nor ignored anchors are left out.
 * @param assignment of the same grid and truth; t are its thresholds
 * @returns [N] f32, N as in `Assignment`: the highest IoU with a box of whose region the location is, the weight of its
 *   loss; 0 outside
 * @throws InputError for a gamma out of range
 */
export function valuableRegion(
  grid: Grid,
  truth: Truth,
  assignment: Pick<Assignment, 'thresholds'>,
  options: ValuableRegionOptions = {},
): Tensor {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  ASSIGNMENT('assignment', assignment);
  assertTensor('assignment.thresholds', assignment.thresholds, { device: truth.boxes.device });
  OPTIONS('options', options);
  const { variant = 'paper', gamma = 0.25 } = options;
  if (assignment.thresholds.size !== truth.count) {
    throw new InputError(
      `assignment: thresholds of ${assignment.thresholds.size} boxes; the truth has ${truth.count}: assign the same.`,
    );
  }
  if (!(gamma >= 0 && gamma <= 1)) throw new InputError(`gamma: ${gamma}; expected a share of t, 0 to 1.`);
  const { device } = truth.boxes;
  const value = device.zeros([truth.batch * grid.locations]);
  device.run({
    kernel: KERNEL,
    constants: { REFERENCE: variant === 'reference' ? 1 : 0 },
    bindings: {
      boxes: truth.boxes.range4,
      images: truth.images.range,
      image_sizes: truth.imageSizes.range,
      thresholds: assignment.thresholds.range,
      value: value.range,
    },
    params: { ...gridParams(grid, truth.batch), gamma },
    workgroups: [truth.count, grid.levels.length, 1],
  });
  return value;
}
