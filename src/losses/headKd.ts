import kdSource from '../../shaders/losses/head_kd.wgsl';
import { composed } from '../gpu/composed.js';
import { teacherLayout } from '../regions/teacherHead.js';
import { layoutTable, tensorOf } from '../tensor/layout.js';
import { kdConstants, kdForms } from './compose.js';
import { type SamplePass, sampleBindings } from './headSamples.js';
import {
  ALL_SAMPLES,
  type HeadSetting,
  POSITIVES,
  sampleParams,
  sampleWorkgroups,
  stepImages,
  teacherCellConstants,
  teacherCellParams,
} from './headSetting.js';
import { batchScale, type HeadTerm, numbered, type Scale } from './headTerm.js';
import type { Recipe } from './recipe.js';

const kernelOf = composed('head KD', kdSource, kdForms);

/** Classes of COCO, for which the published weights were found. */
const PUBLISHED_CLASSES = 80;

/** KD of the positives, or of all locations. */
export const KD_TERM = {
  name: 'loss_kd',
  curve: 'KD, main region',
  fault: "the student's or the teacher's class logits",
  distils: true,
  scale: ({ kd }, classes) => kdScale(kd.main, kd, classes),
  pass: distilClasses,
} as const satisfies HeadTerm;

/** KD in the VLR, by the pass of `KD_TERM`. */
export const KD_VLR_TERM = {
  name: 'loss_kd_neg',
  curve: 'KD, VLR',
  fault: "the student's or the teacher's class logits",
  distils: true,
  ofVlr: true,
  scale: ({ kd }, classes) => kdScale(kd.vlr, kd, classes),
} as const satisfies HeadTerm;

function kdScale(weight: number, { form, weightPer, normaliser, needsPositives }: Recipe['kd'], classes: number) {
  const isMean = form !== 'focal-binary';
  const share = weightPer === 'classes' && isMean ? classes / PUBLISHED_CLASSES : 1;
  return { weight: weight * share, normaliser, needsPositives };
}

/** Scale of class distillation over all locations, with a weight for each level. */
export function kdAllScale(setting: HeadSetting): Scale & { weights: number[] } {
  const { recipe, classes, grid, distillation, teacher } = setting;
  const { normaliser, ...rest } = kdScale(recipe.kd.all, recipe.kd, classes);
  const isCount = normaliser === 'level' || normaliser === 'region';
  const factor = batchScale(setting) * distillation;
  const scale = numbered({ ...rest, normaliser: isCount ? 'none' : normaliser }, factor);
  const areas = grid.areas.map((area, level) => (teacher.levels[level] ? area : 0));
  const all = areas.reduce((sum, area) => sum + area, 0);
  const weights = areas.map((area) => {
    if (area === 0) return 0;
    return scale.weight / (isCount ? stepImages(setting) * (normaliser === 'level' ? area : all) : 1);
  });
  return { ...scale, weights };
}

function distilClasses(pass: SamplePass): void {
  const { setting, classLogits, assignment, gradients, records } = pass;
  const { device, recipe, classes } = setting;
  const { student, teacher } = classLogits;
  const { kd } = recipe;
  if (kd.main === 0 && kd.vlr === 0) return;
  const which = kd.vlr > 0 ? ALL_SAMPLES : POSITIVES;
  device.run({
    kernel: kernelOf(kd.form),
    constants: { ...teacherCellConstants(setting), ...kdConstants(kd) },
    bindings: {
      ...sampleBindings(pass),
      student: tensorOf(student).range,
      teacher: tensorOf(teacher).range,
      gradient: gradients.classLogits.range,
    },
    params: {
      ...sampleParams(setting, assignment.slots),
      classes,
      which,
      temperature: kd.temperature,
      beta: kd.beta,
      other_records: records.others,
      student_layout: layoutTable(student),
      teacher_layout: teacherLayout(setting.teacher, teacher),
      ...teacherCellParams(setting),
    },
    workgroups: sampleWorkgroups(setting, which === POSITIVES ? assignment.maxPositives : assignment.maxSamples),
  });
}
