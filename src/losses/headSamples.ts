import type { KernelDefinition, Launch } from '../gpu/launch.js';
import type { Assignment } from '../regions/assignment.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  codecParams,
  type HeadSetting,
  POSITIVES,
  type Records,
  sampleParams,
  sampleWorkgroups,
  teacherEdgeConstants,
  teacherEdgeParams,
} from './headSetting.js';

/** Logits of both nets. */
export interface BothLogits {
  student: Maps;
  teacher: Maps;
}

/** What a pass over samples reads, writes and adds to. */
export interface SamplePass {
  setting: HeadSetting;
  classLogits: BothLogits;
  boxLogits: BothLogits;
  assignment: Assignment;
  gradients: { classLogits: Tensor; boxLogits: Tensor };
  records: Records;
  factors: Tensor;
  /** Whether the gradient of the box logits holds that of distillation at all locations. */
  adds: boolean;
}

/** Bindings for samples, their factors and their records. */
export function sampleBindings({ assignment: { counts, samples }, factors, records }: SamplePass): Launch['bindings'] {
  return {
    counts: counts.range,
    samples: samples.range,
    factors: factors.range,
    records: records.tensor.range,
  };
}

/** Uniform fields of shaders/losses/head_box_fields.wgsl, but `batch`, `level_count` and `levels`. */
export function boxParams(setting: HeadSetting, { student, teacher }: BothLogits) {
  return { ...codecParams(setting), student_layout: layoutTable(student), ...teacherEdgeParams(setting, teacher) };
}

/** Runs a kernel of shaders/losses/head_box_pass.wgsl. @param own its other parts; `which` samples: positives, or all */
export function runBoxPass(
  pass: SamplePass,
  own: {
    kernel: KernelDefinition;
    constants?: Record<string, number>;
    bindings?: Launch['bindings'];
    params?: NonNullable<Launch['params']>;
    which?: number;
  },
): void {
  const { setting, boxLogits, assignment, gradients } = pass;
  const { slots, maxPositives, maxSamples } = assignment;
  const { kernel, constants, bindings, params, which = POSITIVES } = own;
  setting.device.run({
    kernel,
    constants: { ...teacherEdgeConstants(setting), ...constants },
    bindings: {
      ...sampleBindings(pass),
      student: tensorOf(boxLogits.student).range,
      teacher_box: tensorOf(boxLogits.teacher).range,
      gradient: gradients.boxLogits.range,
      ...bindings,
    },
    params: { ...sampleParams(setting, slots), ...boxParams(setting, boxLogits), ...params },
    workgroups: sampleWorkgroups(setting, which === POSITIVES ? maxPositives : maxSamples),
  });
}
