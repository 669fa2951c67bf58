import packedSource from '../../shaders/regions/dynamic_soft_label_candidates_packed.wgsl';
import stridedSource from '../../shaders/regions/dynamic_soft_label_candidates_strided.wgsl';
import chooseSource from '../../shaders/regions/dynamic_soft_label_choose.wgsl';
import scoresSource from '../../shaders/regions/dynamic_soft_label_scores.wgsl';
import { layoutTable } from '../tensor/layout.js';
import { number, optional, options as optionsOf } from '../util/argument.js';
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
  boxReach,
  type HeadMaps,
  logitRange,
  quadReading,
  STUDENT_OPTIONS,
  type StudentOptions,
} from './student.js';
import type { Truth } from './truth.js';

const PACKED = { name: 'regions/dynamic_soft_label_candidates', source: packedSource };
const STRIDED = { name: 'regions/dynamic_soft_label_candidates, strided', source: stridedSource };
const CHOOSE = { name: 'regions/dynamic_soft_label_choose', source: chooseSource };
const SCORES = { name: 'regions/dynamic_soft_label_scores', source: scoresSource };

/** The entry of `ASSIGNERS`. */
export const DYNAMIC_SOFT_LABEL = {
  what: 'dynamic soft labels (NanoDet-Plus)',
  chosenBy: 'dynamic soft labels make positive by what this run predicts here',
  section: 'dynamicSoftLabel',
  assign: dynamicSoftLabel,
} as const satisfies Assigner;

/** The assigner's settings; the defaults are those of NanoDet-Plus. */
export interface DynamicSoftLabelOptions extends StudentOptions {
  /** An object's largest IoUs whose sum is its number of locations, 1 to 32. Default 13. */
  topk?: number;
  /** Weight of −ln IoU in the cost. Default 3. */
  iouWeight?: number;
}

const OPTIONS = optionsOf({ ...STUDENT_OPTIONS, iouWeight: optional(number) });

/**
 * Dynamic soft label assignment of NanoDet-Plus. Candidates are the locations whose centre is inside any object. Cost of a
 * candidate for an object: over the classes Σ |y − s|² BCE(x, y), with y the IoU at the object's class and 0 elsewhere, plus
 * iouWeight · (−ln(IoU + 1e-7)). An object chooses its k cheapest candidates, k the sum of its `topk` largest IoUs, truncated
 * but at least 1; a location that several chose goes to the one of lowest cost among all objects of the image. Ties: the lowest
 * index. Target score of a positive: the IoU of the student's box.
 * @param student its logits, of any layout; nothing flows back into them
 * @throws InputError for maps that do not fit the grid and truth, or settings out of range
 */
export function dynamicSoftLabel(
  grid: Grid,
  truth: Truth,
  student: HeadMaps,
  options: DynamicSoftLabelOptions,
): Assignment {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  OPTIONS('options', options);
  const { topk = 13, iouWeight = 3 } = options;
  assertTopk(topk, 'IoUs an object');
  if (iouWeight < 0) throw new InputError(`iouWeight: ${iouWeight}; expected a weight of at least 0.`);
  assertHead('student', student, grid, truth, options.bins);
  const region = resolveAtss('atss', options.atss ?? {});
  const box = boxDecoding(student, options);
  const { device } = truth.boxes;
  const locations = truth.batch * grid.locations;
  const params = gridParams(grid, truth.batch);
  return device.tidy(() => {
    const table = labelTable(grid, truth, region.ignoreIofThreshold);
    const windows = region.vlr === 'none' ? null : atssCandidates(grid, truth, region, table).windows;
    const located = device.empty([locations, 4]);
    const chosen = device.empty([truth.count, topk], 'u32');
    const student_class = logitRange(student.classLogits);
    const objects = { boxes: truth.boxes.range4, located: located.range4 };
    const cost = { class_layout: layoutTable(student.classLogits), classes: truth.classes, iou_weight: iouWeight };
    const { packed, invocations } = quadReading(grid, truth.batch, student.boxLogits);
    device.run({
      kernel: packed ? PACKED : STRIDED,
      constants: box.constants,
      bindings: {
        ...objects,
        student_box: logitRange(student.boxLogits, packed),
        image_starts: truth.imageStarts.range,
        image_sizes: truth.imageSizes.range,
      },
      params: { ...params, ...box.params },
      invocations,
    });
    device.run({
      kernel: CHOOSE,
      bindings: {
        ...objects,
        student_class,
        labels: truth.labels.range,
        images: truth.images.range,
        chosen: chosen.range,
      },
      params: { ...params, ...cost, topk, box_reach: boxReach(options) },
      workgroups: [truth.count, 1, 1],
    });
    const found = { kernels: LIST_CHOSEN, positives: chosen, topk, most: topk, table, windows };
    const assignment = listSamples(grid, truth, found, region, { OWNERS: 0, SCORED: 1 });
    const { samples, counts, slots } = assignment;
    device.run({
      kernel: SCORES,
      bindings: {
        ...objects,
        student_class,
        labels: truth.labels.range,
        image_starts: truth.imageStarts.range,
        table: table.range,
        samples: samples.range,
        counts: counts.range,
      },
      params: { ...params, ...cost, image_slots: slots },
      workgroups: [truth.batch, 1, 1],
    });
    return assignment;
  });
}
