import candidates from '../../shaders/regions/atss_candidates.wgsl';
import labelWeight from '../../shaders/regions/label_weight.wgsl';
import listSamples from '../../shaders/regions/list_samples.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { number, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid, assertTruth } from './argument.js';
import {
  type Assignment,
  type AssignmentMaps,
  assignmentMaps,
  COUNTS,
  SAMPLE_WORDS,
  TABLE_IGNORED,
} from './assignment.js';
import { type Grid, gridParams } from './grid.js';
import type { Truth } from './truth.js';

const LABEL_WEIGHT = { name: 'regions/label_weight', source: labelWeight };
const CANDIDATES = { name: 'regions/atss_candidates', source: candidates };
const LIST = { name: 'regions/list_samples', source: listSamples };

/** Size of the arrays in shaders/regions/atss_candidates.wgsl. */
const MAX_TOPK = 32;

/** The assigner's settings; the defaults are those of GFocal and LD. */
export interface AtssOptions {
  /** Candidates a level and ground truth, 1 to 32. Default 9. */
  topk?: number;
  /**
   * Anchors of which an ignore region covers more than this share are neither positive nor negative, unless they become
   * positive all the same. Default −1: ignore regions do not count, as in the reference configurations.
   */
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

/** What ATSS makes. */
export interface AtssAssignment extends Assignment {
  /** [G] f32, t: mean + standard deviation of the candidates' IoU; −1 where a box has fewer than two candidates. */
  readonly thresholds: Tensor;
}

/**
 * Adaptive training sample selection (Zhang et al., CVPR 2020), as GFocal and LD use it, with the VLR. A box may get no
 * positive: there is no forced match. At equal distance the lower index is the candidate, at equal IoU the earlier box gets the
 * location. The weight of a member of the VLR is its highest IoU with a box of whose region it is.
 * @throws InputError for a topk or gamma out of range
 */
export function atss(grid: Grid, truth: Truth, options: AtssOptions = {}): AtssAssignment {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  OPTIONS('options', options);
  const { topk = 9, ignoreIofThreshold = -1, vlr = 'none', gamma = 0.25 } = options;
  if (!(gamma >= 0 && gamma <= 1)) throw new InputError(`gamma: ${gamma}; expected a share of t, 0 to 1.`);
  const { device } = truth.boxes;
  const { batch, classes } = truth;
  const { locations } = grid;
  const maxPositives = Math.max(1, Math.min(batch * locations, truth.count * grid.levels.length * topk));
  const slots = vlr === 'none' ? Math.min(locations, maxPositives) : locations;
  const table = device.empty([batch * locations], 'u32');
  device.clear({ ...table.range, size: 4 * table.size });
  if (truth.limited || (ignoreIofThreshold > 0 && truth.ignoreCount > 0)) {
    markLabels(grid, truth, ignoreIofThreshold, { marks: table, counted: 0, ignored: TABLE_IGNORED });
  }
  const { positives, thresholds, windows } = atssCandidates(grid, truth, {
    topk,
    ignoreIofThreshold,
    marks: table,
    ignored: TABLE_IGNORED,
    gamma,
  });
  const samples = device.empty([batch, slots, SAMPLE_WORDS], 'u32');
  const counts = device.empty([batch, COUNTS.stride]);
  device.run({
    kernel: LIST,
    constants: { VLR: vlr === 'none' ? 0 : 1, REFERENCE: vlr === 'reference' ? 1 : 0 },
    bindings: {
      boxes: truth.boxes.range4,
      labels: truth.labels.range,
      image_starts: truth.imageStarts.range,
      positives: positives.range,
      windows: windows.range4,
      table: table.range,
      samples: samples.range,
      counts: counts.range,
    },
    params: { ...gridParams(grid, batch), image_slots: slots, topk, gamma },
    workgroups: [batch, 1, 1],
  });
  for (const tensor of [positives, windows]) tensor.dispose();
  return {
    batch,
    classes,
    locations,
    samples,
    slots,
    counts,
    table,
    targets: truth.boxes,
    maxPositives,
    maxSamples: vlr === 'none' ? maxPositives : batch * locations,
    thresholds,
    dispose: () => {
      for (const tensor of [samples, counts, table, thresholds]) tensor.dispose();
    },
  };
}

/**
 * `atss` as maps, to look at.
 * @throws InputError as `atss`
 */
export function assignAtss(
  grid: Grid,
  truth: Truth,
  options: AtssOptions = {},
): AssignmentMaps & Pick<AtssAssignment, 'thresholds'> {
  const assignment = atss(grid, truth, options);
  const maps = assignmentMaps(assignment);
  for (const tensor of [assignment.samples, assignment.counts, assignment.table]) tensor.dispose();
  return { ...maps, thresholds: assignment.thresholds };
}

/** Marks, 32 bits a location, where labels count and where they do not. */
interface LabelMarks {
  /** [N], any type. */
  marks: Tensor;
  /** Bits where the label counts. */
  counted: number;
  /** Bits where it is ignored, or beyond the image. */
  ignored: number;
}

/** Records the marks of all locations. */
function markLabels(grid: Grid, truth: Truth, ignoreIofThreshold: number, to: LabelMarks): void {
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
function atssCandidates(
  grid: Grid,
  truth: Truth,
  options: Required<Omit<AtssOptions, 'vlr'>> & Omit<LabelMarks, 'counted'>,
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
