import source from '../../shaders/losses/temperature_kl.wgsl';
import { assertVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { anyOptions, assertNumber, columnsOf, type RowLossOptions, rowLoss } from './rowLoss.js';

const TEMPERATURE_KL = { name: 'temperature KL', source };

/** The temperature of the LD paper. */
export const TEMPERATURE = 10;

/** Options of a loss between two softened distributions. */
export interface TemperatureOptions extends RowLossOptions {
  /** Softens both distributions; greater than 0. */
  temperature?: number;
}

/**
 * Localization distillation (LD, CVPR 2022) of each row, the teacher held fixed:
 * ℓ = (T²/K) Σ_k p_k (ln p_k − ln q_k), p = softmax(teacher / T), q = softmax(student / T); the mean over bins, not the
 * sum. dℓ/dz_k = (T/K)(q_k − p_k). The paper's term of the main region is lossWeight 0.25, averageFactor 4.
 * @param student [R, K]; a row is one edge
 * @param teacher [R, K]
 * @param options `temperature` 10 unless given
 * @throws InputError when the teacher's shape is not the student's, or the temperature is not positive
 */
export function temperatureKL(student: Variable, teacher: Tensor, options: TemperatureOptions = {}): Variable {
  assertVariable('student', student);
  anyOptions('options', options);
  const { temperature = TEMPERATURE } = options;
  const bins = columnsOf('student', student.value, 1);
  assertNumber('temperature', temperature, 0);
  assertSameRows(student.value, teacher);
  return rowLoss(
    student,
    {
      kernel: TEMPERATURE_KL,
      constants: { BINS: bins },
      bindings: { student: student.value.range, teacher: teacher.range },
      params: { temperature },
    },
    options,
  );
}

/** @throws InputError when the teacher's rows or columns are not the student's */
export function assertSameRows(student: Tensor, teacher: Tensor): void {
  const columns = columnsOf('teacher', teacher, 1, student.device);
  if (columns !== student.shape[1]) {
    throw new InputError(
      `teacher: rows of ${columns}; the student's have ${student.shape[1]}. Distillation compares bin by bin (or class by class): train both heads with the same number (bins = reg_max + 1).`,
    );
  }
  if (teacher.shape[0] !== student.shape[0]) {
    throw new InputError(
      `teacher: ${teacher.shape[0]} rows; the student has ${student.shape[0]}. Give the logits of the same locations and edges of both.`,
    );
  }
}
