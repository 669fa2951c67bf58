import candidates from '../../shaders/regions/atss_candidates.wgsl';
import labelWeight from '../../shaders/regions/label_weight.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { number, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { TABLE_IGNORED } from './assignment.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const LABEL_WEIGHT = { name: 'regions/label_weight', source: labelWeight };
const CANDIDATES = { name: 'regions/atss_candidates', source: candidates };

/** Size of arrays in shaders/regions/atss_candidates.wgsl. */
const MAX_TOPK = 32;

/** The settings of ATSS; the defaults are those of GFocal and LD. */
export interface AtssOptions {
  /** Candidates a level and ground truth, 1 to 32. Default 9. */
  topk?: number;
  /** Anchors that an ignore region covers by more than this share do not count, unless positive. Default −1: off, as in the reference. */
  ignoreIofThreshold?: number;
  /**
   * Form of the valuable localization region (VLR), the locations around the main region from which localization is distilled
   * too; positives and ignored anchors may belong to it. `paper`: γ·t ≤ DIoU ≤ t (Zheng et al., CVPR 2022, algorithm 1);
   * `reference`: what the authors' code computes, γ·t ≤ intersection / area(anchor) − ρ²/c² < t. The two select quite
   * different sets on fine levels. Default `none`: no region.
   */
  vlr?: 'paper' | 'reference' | 'none';
  /** Lower end of the VLR's interval as a share of t, 0 to 1: 1 leaves nothing, 0 the largest region. Default 0.25. */
  gamma?: number;
}

const OPTIONS = optionsOf({
  ignoreIofThreshold: optional(number),
  vlr: optional(oneOf('paper', 'reference', 'none')),
  gamma: optional(number),
});

/** The settings with their defaults. @throws InputError for a topk or gamma out of range */
export function resolveAtss(name: string, options: AtssOptions): Required<AtssOptions> {
  OPTIONS(name, options);
  const { topk = 9, ignoreIofThreshold = -1, vlr = 'none', gamma = 0.25 } = options;
  assertTopk(topk, 'candidates a level');
  if (!(gamma >= 0 && gamma <= 1)) throw new InputError(`gamma: ${gamma}; expected a share of t, 0 to 1.`);
  return { topk, ignoreIofThreshold, vlr, gamma };
}

/** @throws InputError when it is not from 1 to 32 */
export function assertTopk(topk: number, what: string): void {
  if (Number.isInteger(topk) && topk >= 1 && topk <= MAX_TOPK) return;
  throw new InputError(`topk: ${topk}; expected 1 to ${MAX_TOPK} ${what}.`);
}

/** Records an assignment's table [N] u32 before anything is assigned: TABLE_IGNORED where the label does not count, else 0. */
export function labelTable(grid: Grid, truth: Truth, ignoreIofThreshold: number): Tensor {
  const { device } = truth.boxes;
  const locations = truth.batch * grid.locations;
  const table = device.zeros([locations], 'u32');
  if (!truth.limited && !(ignoreIofThreshold > 0 && truth.ignoreCount > 0)) return table;
  device.run({
    kernel: LABEL_WEIGHT,
    bindings: {
      image_sizes: truth.imageSizes.range,
      image_starts: truth.imageStarts.range,
      ignore_boxes: truth.ignoreBoxes.range4,
      ignore_starts: truth.ignoreStarts.range,
      weight: table.range,
    },
    params: {
      ...gridParams(grid, truth.batch),
      locations,
      ignore_threshold: ignoreIofThreshold,
      counted: 0,
      ignored: TABLE_IGNORED,
    },
    invocations: locations,
  });
  return table;
}

/**
 * What ATSS finds for each ground truth.
 * @returns `positives` [G, levels, topk] u32 cells; `thresholds` [G]; `windows` [G, levels, 4] u32: cells that hold the VLR, see
 *   shaders/regions/atss_candidates.wgsl
 */
export function atssCandidates(
  grid: Grid,
  truth: Truth,
  { topk, ignoreIofThreshold, gamma }: Required<AtssOptions>,
  table: Tensor,
): { positives: Tensor; thresholds: Tensor; windows: Tensor } {
  const { device } = truth.boxes;
  const levels = grid.levels.length;
  const thresholds = device.empty([truth.count]);
  const positives = device.empty([truth.count, levels, topk], 'u32');
  const windows = device.empty([truth.count, levels, 4], 'u32');
  device.run({
    kernel: CANDIDATES,
    constants: { IGNORE: ignoreIofThreshold > 0 && truth.ignoreCount > 0 ? 1 : 0 },
    bindings: {
      boxes: truth.boxes.range4,
      images: truth.images.range,
      image_sizes: truth.imageSizes.range,
      weight: table.range,
      positives: positives.range,
      thresholds: thresholds.range,
      windows: windows.range4,
    },
    params: { ...gridParams(grid, truth.batch), topk, ignored: TABLE_IGNORED, gamma },
    workgroups: [truth.count, 1, 1],
  });
  return { positives, thresholds, windows };
}
