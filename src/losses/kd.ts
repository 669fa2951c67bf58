import source from '../../shaders/losses/binary_kl.wgsl';
import { assertVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { oneOf, optional, options as optionsOf } from '../util/argument.js';
import { assertSameRows, type TemperatureOptions, temperatureKL } from './ld.js';
import { assertNumber, columnsOf, rowLoss } from './rowLoss.js';

const BINARY_KL = { name: 'binary KL', source };

/** Temperature of LD's class distillation. */
const TEMPERATURE = 2;

const OPTIONS = optionsOf({ form: optional(oneOf('softmax', 'binary')) });

/** How classes are distilled. */
export interface ClassDistillationOptions extends TemperatureOptions {
  /**
   * `softmax` (default): one distribution over the classes, as LD does it. `binary`: one Bernoulli distribution a class,
   * which suits sigmoid classifiers and, unlike softmax, is not silent with a single class.
   */
  form?: 'softmax' | 'binary';
}

/**
 * Class distillation of each row, the teacher held fixed. `softmax`: `temperatureKL` over the classes. `binary`:
 * ℓ = (T²/C) Σ_c [p ln(p/q) + (1 − p) ln((1 − p)/(1 − q))], p = σ(teacher / T), q = σ(student / T);
 * dℓ/dx_c = (T/C)(q_c − p_c). LD's term of the main region is lossWeight 10, averageFactor the positives of a level.
 * @param student [R, C] class logits
 * @param teacher [R, C]
 * @param options `temperature` 2 unless given
 * @throws InputError when the teacher's shape is not the student's, or the temperature is not positive
 */
export function classDistillation(
  student: Variable,
  teacher: Tensor,
  options: ClassDistillationOptions = {},
): Variable {
  assertVariable('student', student);
  OPTIONS('options', options);
  const { temperature = TEMPERATURE, form = 'softmax', ...rest } = options;
  if (form === 'softmax') return temperatureKL(student, teacher, { ...rest, temperature });
  const classes = columnsOf('student', student.value, 1);
  assertNumber('temperature', temperature, 0);
  assertSameRows(student.value, teacher);
  return rowLoss(
    student,
    {
      kernel: BINARY_KL,
      bindings: { student: student.value.range, teacher: teacher.range },
      params: { classes, temperature },
    },
    rest,
  );
}
