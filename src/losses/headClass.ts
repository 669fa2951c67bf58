import classSource, { constants } from '../../shaders/losses/head_class.wgsl';
import { constants as words } from '../../shaders/losses/head_records.wgsl';
import { constants as terms } from '../../shaders/losses/terms.generated.wgsl';
import { composed } from '../gpu/composed.js';
import type { Assignment } from '../regions/assignment.js';
import { binConstants, binParams } from '../regions/binValues.js';
import { teacherLayout } from '../regions/teacherHead.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { classConstants, classFormOf, classForms } from './compose.js';
import {
  codecConstants,
  codecParams,
  type HeadSetting,
  type Records,
  sampleParams,
  sampleWorkgroups,
  teacherCellConstants,
  teacherCellParams,
} from './headSetting.js';
import { type HeadTerm, scaleOf } from './headTerm.js';

const WEIGHTS = {
  'best-score': constants.WEIGHT_BEST_SCORE,
  'target-score': constants.WEIGHT_TARGET_SCORE,
  'teacher-score': constants.WEIGHT_TEACHER_SCORE,
  none: constants.WEIGHT_NONE,
  'score-difference': constants.WEIGHT_DIFFERENCE,
  // `overlapWeights` finds these, of all locations.
  decoupled: constants.WEIGHT_NONE,
};

const kernelOf = composed('head class', classSource, classForms);

/** The class loss. */
export const CLASS_TERM = {
  name: 'loss_cls',
  curve: 'Classification (quality focal loss)',
  fault: "the student's class logits",
  distils: false,
  scale: ({ classification }) => classification,
} as const satisfies HeadTerm;

/** The positives' class loss, weights and expected edges, after the pass over all class logits. */
export function classSamples(
  setting: HeadSetting,
  { student, teacher, boxLogits }: { student: Maps; teacher: Maps; boxLogits: Maps },
  { samples, counts, slots, targets, maxPositives, maxSamples }: Assignment,
  gradient: Tensor,
): Records {
  const { device, recipe } = setting;
  const { classification, box, kd, ld, iouLd } = recipe;
  const others = (terms.RECORDED + words.RECORD_BITS) * maxPositives;
  const tensor = device.empty([others + (kd.vlr > 0 || ld.vlr > 0 ? words.OTHER * maxSamples : 0)], 'u32');
  device.run({
    kernel: kernelOf(classFormOf(classification)),
    constants: {
      ...codecConstants(recipe),
      ...classConstants(classification),
      ...teacherCellConstants(setting),
      ...binConstants(setting.projection),
      BOX_WEIGHT: WEIGHTS[box.weights],
      LD_WEIGHT: weightOf(ld.main > 0, ld.weights),
      IOU_WEIGHT: weightOf(iouLd.weight > 0 && iouLd.region === 'main', iouLd.weights),
      ASSIGNED: classification.target === 'assigned' ? 1 : 0,
    },
    bindings: {
      student: tensorOf(student).range,
      teacher: tensorOf(teacher).range,
      student_box: tensorOf(boxLogits).range,
      targets: targets.range4,
      counts: counts.range,
      samples: samples.range,
      gradient: gradient.range,
      records: tensor.range,
    },
    params: {
      ...sampleParams(setting, slots),
      ...codecParams(setting),
      ...classParams(setting),
      student_layout: layoutTable(student),
      teacher_layout: teacherLayout(setting.teacher, teacher),
      ...teacherCellParams(setting),
      box_layout: layoutTable(boxLogits),
      ...binParams(setting.projection),
    },
    workgroups: sampleWorkgroups(setting, maxPositives),
  });
  return { tensor, others };
}

/** Weights that no loss goes by are not read. */
function weightOf(isUsed: boolean, weights: keyof typeof WEIGHTS): number {
  return isUsed ? WEIGHTS[weights] : constants.WEIGHT_NONE;
}

/** Uniform fields of the class loss. */
export function classParams(setting: HeadSetting) {
  const { weight, normaliser } = scaleOf(CLASS_TERM, setting);
  const { beta, alpha } = setting.recipe.classification;
  return { batch: setting.batch, classes: setting.classes, weight, normaliser, beta, alpha };
}
