import kdSource from '../../shaders/losses/head_kd.wgsl';
import { composed } from '../gpu/composed.js';
import type { Assignment } from '../regions/assignment.js';
import { teacherLayout } from '../regions/teacherHead.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { kdConstants, kdForms } from './compose.js';
import {
  ALL_SAMPLES,
  type HeadSetting,
  POSITIVES,
  type Records,
  sampleParams,
  sampleWorkgroups,
  teacherCellConstants,
  teacherCellParams,
} from './headSetting.js';

const kernelOf = composed('head KD', kdSource, kdForms);

/**
 * Class distillation of the samples, after `classSamples`; nothing where the recipe has none.
 * @param to gradient of the class logits
 */
export function distilClasses(
  setting: HeadSetting,
  { student, teacher }: { student: Maps; teacher: Maps },
  { samples, counts, slots, maxPositives, maxSamples }: Assignment,
  { gradient, records, factors }: { gradient: Tensor; records: Records; factors: Tensor },
): void {
  const { device, recipe, classes } = setting;
  const { kd } = recipe;
  if (kd.main === 0 && kd.vlr === 0) return;
  const which = kd.vlr > 0 ? ALL_SAMPLES : POSITIVES;
  device.run({
    kernel: kernelOf(kd.form),
    constants: { ...teacherCellConstants(setting), ...kdConstants(kd) },
    bindings: {
      student: tensorOf(student).range,
      teacher: tensorOf(teacher).range,
      counts: counts.range,
      samples: samples.range,
      factors: factors.range,
      gradient: gradient.range,
      records: records.tensor.range,
    },
    params: {
      ...sampleParams(setting, slots),
      classes,
      which,
      temperature: kd.temperature,
      beta: kd.beta,
      other_records: records.others,
      student_layout: layoutTable(student),
      teacher_layout: teacherLayout(setting.teacher, teacher),
      ...teacherCellParams(setting),
    },
    workgroups: sampleWorkgroups(setting, which === POSITIVES ? maxPositives : maxSamples),
  });
}
