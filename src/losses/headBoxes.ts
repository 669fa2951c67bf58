import boxSource from '../../shaders/losses/head_box.wgsl';
import ldSource from '../../shaders/losses/head_ld.wgsl';
import { composed } from '../gpu/composed.js';
import type { Assignment } from '../regions/assignment.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { boxForms, ldForms } from './compose.js';
import {
  ALL_SAMPLES,
  codecConstants,
  codecParams,
  type HeadSetting,
  POSITIVES,
  type Records,
  sampleParams,
  sampleWorkgroups,
  teacherEdgeConstants,
  teacherEdgeParams,
} from './headSetting.js';

const boxKernelOf = composed('head box', boxSource, boxForms);
const ldKernelOf = composed('head LD', ldSource, ldForms);

/** Where the box passes write, or add where distillation at all locations has written. */
export interface BoxTargets {
  /** Of the box logits. */
  gradient: Tensor;
  records: Records;
  factors: Tensor;
  /** Whether the gradient holds that of distillation at all locations. */
  adds: boolean;
}

/** Box loss and DFL of the positives. */
export function boxSamples(
  setting: HeadSetting,
  { student, teacher }: { student: Maps; teacher: Maps },
  { samples, counts, slots, targets, maxPositives }: Assignment,
  { gradient, records, factors, adds }: BoxTargets,
): void {
  const { device, recipe, grid, distillation } = setting;
  const { box, dfl } = recipe;
  device.run({
    kernel: boxKernelOf(box.form),
    constants: {
      ...codecConstants(recipe),
      ...teacherEdgeConstants(setting),
      BOUNDED: box.bounded > 0 ? 1 : 0,
      ADDS: adds ? 1 : 0,
    },
    bindings: {
      student: tensorOf(student).range,
      teacher_box: tensorOf(teacher).range,
      targets: targets.range4,
      counts: counts.range,
      samples: samples.range,
      factors: factors.range,
      gradient: gradient.range,
      records: records.tensor.range,
    },
    params: {
      ...sampleParams(setting, slots),
      ...codecParams(setting),
      margin: dfl.margin,
      bounded_weight: box.bounded * distillation,
      image_width: grid.imageSize.width,
      image_height: grid.imageSize.height,
      student_layout: layoutTable(student),
      ...teacherEdgeParams(setting, teacher),
    },
    workgroups: sampleWorkgroups(setting, maxPositives),
  });
}

/** LD of the samples, after `boxSamples`; nothing where the recipe has none. */
export function distilBoxes(
  setting: HeadSetting,
  { student, teacher }: { student: Maps; teacher: Maps },
  { samples, counts, slots, maxPositives, maxSamples }: Assignment,
  { gradient, records, factors, adds }: BoxTargets,
): void {
  const { device, recipe, bins, teacher: head } = setting;
  const { ld } = recipe;
  if (ld.main === 0 && ld.vlr === 0) return;
  const which = ld.vlr > 0 ? ALL_SAMPLES : POSITIVES;
  device.run({
    kernel: ldKernelOf(head.isRebinned ? 'rebinned' : 'same'),
    constants: {
      ...teacherEdgeConstants(setting),
      BINS: bins,
      ADDS: adds ? 1 : 0,
      LD_SUMS: ld.reduction === 'sum' ? 1 : 0,
    },
    bindings: {
      student: tensorOf(student).range,
      teacher_box: tensorOf(teacher).range,
      counts: counts.range,
      samples: samples.range,
      factors: factors.range,
      gradient: gradient.range,
      records: records.tensor.range,
    },
    params: {
      ...sampleParams(setting, slots),
      which,
      temperature: ld.temperature,
      other_records: records.others,
      student_layout: layoutTable(student),
      ...teacherEdgeParams(setting, teacher),
    },
    workgroups: sampleWorkgroups(setting, which === POSITIVES ? maxPositives : maxSamples),
  });
}
