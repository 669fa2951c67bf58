import assign from '../../shaders/regions/atss_assign.wgsl';
import candidates from '../../shaders/regions/atss_candidates.wgsl';
import labelWeight from '../../shaders/regions/label_weight.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { number, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid, assertTruth } from './argument.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const LABEL_WEIGHT = { name: 'regions/label_weight', source: labelWeight };
const CANDIDATES = { name: 'regions/atss_candidates', source: candidates };
const ASSIGN = { name: 'regions/atss_assign', source: assign };

/** Size of the arrays in shaders/regions/atss_candidates.wgsl. */
const MAX_TOPK = 32;
/** The f32 1 as an integer. */
const ONE_BITS = 0x3f800000;

/** The assigner's settings; the defaults are those of GFocal and LD. */
export interface AtssOptions {
  /** Candidates a level and ground truth, 1 to 32. Default 9. */
  topk?: number;
  /**
   * Anchors of which an ignore region covers more than this share are neither positive nor negative, unless they become
   * positive all the same. Default −1: ignore regions do not count, as in the reference configurations.
   */
  ignoreIofThreshold?: number;
}

const OPTIONS = optionsOf({ ignoreIofThreshold: optional(number) });

/** What each of the N = batch · locations learns, in the order of a pyramid of one channel: level, image, row-major. */
export interface Assignment {
  /** [N] i32: class of a positive, the number of classes for background. */
  label: Tensor;
  /** [N] i32: ground truth of a positive, an index into `Truth.boxes`; −1 elsewhere. */
  matched: Tensor;
  /** [N] f32: 1 where the label counts; 0 where it is ignored or beyond the image. */
  weight: Tensor;
  /** [G] f32: mean + standard deviation of the candidates' IoU; −1 where a box has fewer than two candidates. */
  thresholds: Tensor;
}

/**
 * Adaptive training sample selection (Zhang et al., CVPR 2020), as GFocal and LD use it. A box may get no positive: there is
 * no forced match. At equal distance the lower index is the candidate, at equal IoU the earlier box gets the location.
 * @throws InputError for a topk out of range
 */
export function assignAtss(grid: Grid, truth: Truth, options: AtssOptions = {}): Assignment {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  OPTIONS('options', options);
  const { topk = 9, ignoreIofThreshold = -1 } = options;
  const { device } = truth.boxes;
  const locations = truth.batch * grid.locations;
  const params = gridParams(grid, truth.batch);
  const label = device.empty([locations], 'i32');
  const matched = device.empty([locations], 'i32');
  const weight = device.empty([locations]);
  markLabels(grid, truth, ignoreIofThreshold, { marks: weight, counted: ONE_BITS, ignored: 0 });
  const { positives, thresholds, windows } = atssCandidates(grid, truth, {
    topk,
    ignoreIofThreshold,
    marks: weight,
    ignored: 0,
    gamma: 0,
  });
  device.run({
    kernel: ASSIGN,
    bindings: {
      boxes: truth.boxes.range4,
      labels: truth.labels.range,
      image_starts: truth.imageStarts.range,
      positives: positives.range,
      label: label.range,
      matched: matched.range,
      weight: weight.range,
    },
    params: { ...params, locations, topk, classes: truth.classes },
    invocations: locations,
  });
  positives.dispose();
  windows.dispose();
  return { label, matched, weight, thresholds };
}

/** Marks, 32 bits a location, where labels count and where they do not. */
export interface LabelMarks {
  /** [N], any type. */
  marks: Tensor;
  /** Bits where the label counts. */
  counted: number;
  /** Bits where it is ignored, or beyond the image. */
  ignored: number;
}

/** Records the marks of all locations. */
export function markLabels(grid: Grid, truth: Truth, ignoreIofThreshold: number, to: LabelMarks): void {
  const locations = truth.batch * grid.locations;
  truth.boxes.device.run({
    kernel: LABEL_WEIGHT,
    bindings: {
      image_sizes: truth.imageSizes.range,
      image_starts: truth.imageStarts.range,
      ignore_boxes: truth.ignoreBoxes.range4,
      ignore_starts: truth.ignoreStarts.range,
      weight: to.marks.range,
    },
    params: {
      ...gridParams(grid, truth.batch),
      locations,
      ignore_threshold: ignoreIofThreshold,
      counted: to.counted,
      ignored: to.ignored,
    },
    invocations: locations,
  });
}

/**
 * What ATSS finds for each ground truth.
 * @returns `positives` [G, levels, topk] u32 cells; `thresholds` [G]; `windows` [G, levels, 4] u32: cells that hold the
 *   VLR with lower bound gamma · t, see shaders/regions/atss_candidates.wgsl
 * @throws InputError for a topk out of range
 */
export function atssCandidates(
  grid: Grid,
  truth: Truth,
  options: Required<AtssOptions> & Omit<LabelMarks, 'counted'> & { gamma: number },
): { positives: Tensor; thresholds: Tensor; windows: Tensor } {
  const { topk, ignoreIofThreshold, marks, ignored, gamma } = options;
  if (!Number.isInteger(topk) || topk < 1 || topk > MAX_TOPK) {
    throw new InputError(`topk: ${topk}; expected 1 to ${MAX_TOPK} candidates a level.`);
  }
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
      weight: marks.range,
      positives: positives.range,
      thresholds: thresholds.range,
      windows: windows.range4,
    },
    params: { ...gridParams(grid, truth.batch), topk, ignored, gamma },
    workgroups: [truth.count, 1, 1],
  });
  return { positives, thresholds, windows };
}
