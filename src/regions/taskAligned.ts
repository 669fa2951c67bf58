import packedSource from '../../shaders/regions/task_aligned_candidates_packed.wgsl';
import stridedSource from '../../shaders/regions/task_aligned_candidates_strided.wgsl';
import chooseSource from '../../shaders/regions/task_aligned_choose.wgsl';
import scoresSource from '../../shaders/regions/task_aligned_scores.wgsl';
import { layoutTable } from '../tensor/layout.js';
import { flag, number, oneOf, optional, options as optionsOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid, assertTruth } from './argument.js';
import type { Assigner } from './assigner.js';
import type { Assignment } from './assignment.js';
import { assertTopk, atssCandidates, labelTable, resolveAtss } from './atssCandidates.js';
import { type Grid, gridParams } from './grid.js';
import { LIST_CHOSEN, listSamples } from './listing.js';
import {
  assertHead,
  boxDecoding,
  type HeadMaps,
  logitRange,
  quadReading,
  STUDENT_OPTIONS,
  type StudentOptions,
} from './student.js';
import type { Truth } from './truth.js';

const PACKED = { name: 'regions/task_aligned_candidates', source: packedSource };
const STRIDED = { name: 'regions/task_aligned_candidates, strided', source: stridedSource };
const CHOOSE = { name: 'regions/task_aligned_choose', source: chooseSource };
const SCORES = { name: 'regions/task_aligned_scores', source: scoresSource };

/** The entry of `ASSIGNERS`. */
export const TASK_ALIGNED = {
  what: 'task-aligned (YOLOv8 to 12, PP-YOLOE)',
  chosenBy: 'task-aligned assignment makes positive by what this run predicts here',
  section: 'taskAligned',
  assign: taskAligned,
} as const satisfies Assigner;

/** The assigner's settings; the defaults are those of YOLOv8 to YOLO12. */
export interface TaskAlignedOptions extends StudentOptions {
  /** Locations an object, over all levels together, 1 to 32. Default 10 (PP-YOLOE, PicoDet, YOLOv6: 13). */
  topk?: number;
  /** Exponent of the class score in the metric. Default 0.5 (PP-YOLOE, PicoDet, YOLOv6: 1). */
  alpha?: number;
  /** Exponent of the overlap in the metric. Default 6. */
  beta?: number;
  /** `ciou` as Ultralytics computes it, clamped at 0 (default), or `iou` (PP-YOLOE, PicoDet, YOLOv6). */
  overlap?: 'ciou' | 'iou';
  /** Whether overlaps count only where the centre is inside the object (Ultralytics since 2023). Default true. */
  masked?: boolean;
  /** STAL of YOLO26: in the test whether a centre is inside, a side below the first stride counts as the second. Default false. */
  smallTargets?: boolean;
}

const OPTIONS = optionsOf({
  ...STUDENT_OPTIONS,
  alpha: optional(number),
  beta: optional(number),
  overlap: optional(oneOf('ciou', 'iou')),
  masked: optional(flag),
  smallTargets: optional(flag),
});

/**
 * Task-aligned assignment (Feng et al., ICCV 2021) as in YOLOv8 to YOLO12. Metric m = score^α · overlap^β. An object chooses
 * the `topk` locations of largest m > 0 whose centres it holds; a location that several chose goes to the one of largest overlap
 * among all objects of the image. Ties: the lowest index. Target score of a positive: m · U / (M + 1e-9), with M and U the
 * largest metric and overlap of its object's positives.
 * @param student its logits, of any layout; nothing flows back into them
 * @throws InputError for maps that do not fit the grid and truth, or settings out of range
 */
export function taskAligned(grid: Grid, truth: Truth, student: HeadMaps, options: TaskAlignedOptions): Assignment {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  OPTIONS('options', options);
  const { topk = 10, alpha = 0.5, beta = 6, overlap = 'ciou', masked = true, smallTargets = false } = options;
  assertTopk(topk, 'locations an object');
  for (const [name, exponent] of Object.entries({ alpha, beta })) {
    if (exponent < 0) throw new InputError(`${name}: ${exponent}; expected an exponent of at least 0.`);
  }
  assertHead('student', student, grid, truth, options.bins);
  const region = resolveAtss('atss', options.atss ?? {});
  const box = boxDecoding(student, options);
  const { device } = truth.boxes;
  const locations = truth.batch * grid.locations;
  const fit = { CIOU: overlap === 'ciou' ? 1 : 0 };
  const reach = { SMALL_TARGETS: smallTargets ? 1 : 0 };
  const params = gridParams(grid, truth.batch);
  return device.tidy(() => {
    const table = labelTable(grid, truth, region.ignoreIofThreshold);
    const windows = region.vlr === 'none' ? null : atssCandidates(grid, truth, region, table).windows;
    const located = device.empty([locations, 4]);
    const chosen = device.empty([truth.count * topk + locations], 'u32');
    const maxima = device.empty([truth.count, 2], 'u32');
    const objects = { boxes: truth.boxes.range4, located: located.range4 };
    const classes = { student_class: logitRange(student.classLogits) };
    const class_layout = layoutTable(student.classLogits);
    const { packed, invocations } = quadReading(grid, truth.batch, student.boxLogits);
    device.run({
      kernel: packed ? PACKED : STRIDED,
      constants: { ...box.constants, ...fit, ...reach, MASKED: masked ? 1 : 0 },
      bindings: {
        ...objects,
        student_box: logitRange(student.boxLogits, packed),
        image_starts: truth.imageStarts.range,
        image_sizes: truth.imageSizes.range,
        chosen: chosen.range,
      },
      params: { ...params, ...box.params, first_owner: truth.count * topk },
      invocations,
    });
    device.run({
      kernel: CHOOSE,
      constants: { ...fit, ...reach },
      bindings: {
        ...classes,
        ...objects,
        labels: truth.labels.range,
        images: truth.images.range,
        chosen: chosen.range,
        maxima: maxima.range,
      },
      params: { ...params, class_layout, topk, alpha, beta },
      workgroups: [truth.count, 1, 1],
    });
    const found = { kernels: LIST_CHOSEN, positives: chosen, topk, most: topk, table, windows };
    const assignment = listSamples(grid, truth, found, region);
    const { samples, counts, slots } = assignment;
    device.run({
      kernel: SCORES,
      constants: fit,
      bindings: {
        ...classes,
        ...objects,
        maxima: maxima.range,
        samples: samples.range,
        counts: counts.range,
      },
      params: { ...params, class_layout, image_slots: slots, alpha, beta },
      workgroups: [truth.batch, 1, 1],
    });
    return assignment;
  });
}
