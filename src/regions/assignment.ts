import fillSource from '../../shaders/regions/assignment_fill.wgsl';
import scatterSource from '../../shaders/regions/assignment_scatter.wgsl';
import { constants } from '../../shaders/regions/sample.wgsl';
import type { Tensor } from '../tensor/tensor.js';

const FILL = { name: 'regions/assignment_fill', source: fillSource };
const SCATTER = { name: 'regions/assignment_scatter', source: scatterSource };

/** Words of a Sample. */
export const SAMPLE_WORDS = 4;
/** Length of an image's counts, and where those of the levels' positives begin. */
export const COUNTS = {
  stride: constants.COUNTS,
  samples: constants.COUNT_SAMPLES,
  levelPositives: constants.COUNT_LEVEL_POSITIVES,
};
export const { TABLE_IGNORED } = constants;

const SCATTER_GROUPS = 16;

/**
 * Who learns what, as data on the GPU: made by an assigner, such as `atss`, or given by the caller. N = batch · locations, in
 * the order of a pyramid of one channel: level, image, row-major.
 */
export interface Assignment {
  /** Images, B. */
  readonly batch: number;
  /** Number of classes, C. */
  readonly classes: number;
  /** Locations of an image. */
  readonly locations: number;
  /** [B, slots, 4] u32: each image's positives, then the other members of the VLR; layout in shaders/regions/sample.wgsl. */
  readonly samples: Tensor;
  /** Samples that an image may have. */
  readonly slots: number;
  /** [B, 20] f32: how many samples there are; layout in shaders/regions/sample.wgsl. */
  readonly counts: Tensor;
  /** [N] u32: 0 background, 1 + class of a positive; the highest bit where the label does not count. */
  readonly table: Tensor;
  /** [T, 4] f32: the boxes that positives learn, xyxy in pixels. */
  readonly targets: Tensor;
  /** The most positives that all images can have. */
  readonly maxPositives: number;
  /** The most samples that all images can have. */
  readonly maxSamples: number;
  /** Gives back what the assignment has of its own; inside a `device.tidy` it is given back anyway. */
  dispose(): void;
}

/** An assignment as maps, to look at: N as in `Assignment`. */
export interface AssignmentMaps {
  /** [N] i32: class of a positive, the number of classes for background. */
  label: Tensor;
  /** [N] i32: target of a positive, an index into `Assignment.targets` (of an assigner: `Truth.boxes`); −1 elsewhere. */
  matched: Tensor;
  /** [N] f32: 1 where the label counts; 0 where it is ignored or beyond the image. */
  weight: Tensor;
  /** [N] f32: target score of a positive, 0 elsewhere. */
  score: Tensor;
  /** [N] f32: weight in the valuable localization region, 0 outside. */
  vlr: Tensor;
}

/** Records the maps of an assignment; they are the caller's. */
export function assignmentMaps(assignment: Assignment): AssignmentMaps {
  const { batch, classes, locations, samples, slots, counts, table } = assignment;
  const { device } = samples;
  const size = batch * locations;
  const label = device.empty([size], 'i32');
  const matched = device.empty([size], 'i32');
  const weight = device.empty([size]);
  const score = device.zeros([size]);
  const vlr = device.zeros([size]);
  device.run({
    kernel: FILL,
    bindings: { table: table.range, label: label.range, matched: matched.range, weight: weight.range },
    params: { locations: size, classes },
    invocations: size,
  });
  device.run({
    kernel: SCATTER,
    bindings: {
      samples: samples.range,
      counts: counts.range,
      matched: matched.range,
      score: score.range,
      vlr: vlr.range,
    },
    params: { image_slots: slots },
    workgroups: [SCATTER_GROUPS, batch, 1],
  });
  return { label, matched, weight, score, vlr };
}
