import { constants } from '../../shaders/lib/bins.wgsl';
import { constants as best } from '../../shaders/regions/gi_best.wgsl';
import scoresSource from '../../shaders/regions/gi_scores.wgsl';
import selectSource from '../../shaders/regions/gi_select.wgsl';
import roundSource, { constants as rounds } from '../../shaders/regions/gi_select_round.wgsl';
import { layoutTable, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { anything, oneOf, optional, options } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { assertGrid, assertTruth } from './argument.js';
import { assertDistances, headProjection, type Projection } from './binValues.js';
import { type Grid, gridParams } from './grid.js';
import { assertHead, type HeadMaps } from './student.js';
import { matchTeacher, type TeacherHead, teacherConstants, teacherLayout, teacherParams } from './teacherHead.js';
import type { Truth } from './truth.js';

const SCORES = { name: 'regions/gi_scores', source: scoresSource };
/** By the choice `lists.workgroups`: a workgroup a group, or many in a dispatch a round. */
const SELECT = { name: 'regions/gi_select', source: selectSource };
const ROUND = { name: 'regions/gi_select_round', source: roundSource };

const { MAX_BINS } = constants;

/** What general instances are found from. */
export interface GeneralInstancesInput {
  /** Of the net that learns. */
  student: HeadMaps;
  /** Of the same images. */
  teacher: HeadMaps;
  /** Bins of an edge, 2 to 64. */
  bins: number;
  /** What the bins mean; see shaders/lib/box_parameters.wgsl. Default `ltrb`. */
  parameters?: 'ltrb' | 'offset';
  /** What the bins stand for, in strides: increasing values; 0 … bins − 1 unless given. */
  projection?: Projection;
  /** The teacher's head beside the student's, from `matchTeacher`. Default: the same head. */
  teacherHead?: TeacherHead;
  /**
   * `batch`: ten instances of a level over the whole batch, where boxes of one image suppress those of another, as in LD's
   * reference implementation; `image`: ten instances of each level and image.
   */
  scope: 'batch' | 'image';
}

const INPUT = options({
  parameters: optional(oneOf('ltrb', 'offset')),
  projection: anything,
  scope: oneOf('batch', 'image'),
});

/**
 * The region of general instance imitation (Dai et al., CVPR 2021, as LD uses it): on each level the ten locations where
 * teacher and student differ most in a class probability, after suppression by the box of the net that is surer there.
 * @returns [N] f32, N as in `Assignment`: 1 inside, 0 outside, −1 where the location is beyond its image
 * @throws InputError for logits that do not fit the grid, the classes or the bins
 */
export function generalInstances(grid: Grid, truth: Truth, input: GeneralInstancesInput): Tensor {
  assertGrid('grid', grid);
  assertTruth('truth', truth);
  INPUT('input', input);
  const { student, teacher, bins, parameters = 'ltrb', scope } = input;
  const projection = headProjection('projection', input.projection, bins);
  const head = input.teacherHead ?? matchTeacher({ grid, bins, projection });
  const { device } = truth.boxes;
  const { batch, classes } = truth;
  if (!Number.isInteger(bins) || bins < 2 || bins > MAX_BINS) {
    throw new InputError(`bins: ${bins}; expected 2 to ${MAX_BINS} bins an edge.`);
  }
  assertHead('student', student, grid, truth, bins);
  assertHead('teacher', teacher, head.grid, truth, head.bins);
  assertDistances('projection', projection, parameters);
  if (head.isRebinned && parameters === 'offset') {
    throw new InputError('parameters: offset; bins of another head are brought into distances alone: ltrb.');
  }
  const locations = batch * grid.locations;
  const mask = device.empty([locations]);
  const scores = device.empty([locations]);
  const boxes = device.empty([locations, 4]);
  device.run({
    kernel: SCORES,
    constants: {
      BINS: bins,
      OFFSET_BOX: parameters === 'offset' ? 1 : 0,
      ...teacherConstants(head, projection),
    },
    bindings: {
      student_class: tensorOf(student.classLogits).range,
      teacher_class: tensorOf(teacher.classLogits).range,
      student_box: tensorOf(student.boxLogits).range,
      teacher_box: tensorOf(teacher.boxLogits).range,
      image_sizes: truth.imageSizes.range,
      scores: scores.range,
      boxes: boxes.range4,
      mask: mask.range,
    },
    params: {
      ...gridParams(grid, batch),
      locations,
      classes,
      bins,
      ...teacherParams(head, projection, teacher.boxLogits),
      student_class_layout: layoutTable(student.classLogits),
      teacher_class_layout: teacherLayout(head, teacher.classLogits),
      student_box_layout: layoutTable(student.boxLogits),
    },
    invocations: locations,
  });
  selectInstances(grid, { batch, groups: scope === 'batch' ? 1 : batch, boxes, scores, mask });
  scores.dispose();
  boxes.dispose();
  return mask;
}

interface Candidates {
  batch: number;
  /** Of a level: 1, or one an image. */
  groups: number;
  boxes: Tensor;
  /** Changed. */
  scores: Tensor;
  /** Where what is chosen goes. */
  mask: Tensor;
}

function selectInstances(grid: Grid, { batch, groups, boxes, scores, mask }: Candidates): void {
  const { device } = mask;
  const levels = grid.levels.length;
  const bindings = { boxes: boxes.range4, scores: scores.range, mask: mask.range };
  const params = { batch, images_per_group: batch / groups, levels: grid.levelTable };
  if (device.choice('lists.workgroups') === 'image') {
    device.run({ kernel: SELECT, bindings, params, workgroups: [levels, groups, 1] });
    return;
  }
  const parts = Math.ceil(((batch / groups) * Math.max(...grid.areas)) / rounds.PART);
  const bests = device.empty([2, levels, groups, parts, 2], 'u32');
  for (let round = 0; round <= best.INSTANCES; round++) {
    device.run({
      kernel: ROUND,
      bindings: { ...bindings, bests: bests.range },
      params: { ...params, round },
      workgroups: [levels, groups, parts],
    });
  }
  bests.dispose();
}
