import source from '../../shaders/losses/binary_kl.wgsl';
import focalSource from '../../shaders/losses/focal_binary.wgsl';
import { assertVariable } from '../autograd/argument.js';
import type { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { oneOf, optional, options as optionsOf } from '../util/argument.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { kdConstants } from './compose.js';
import { assertSameRows, type TemperatureOptions, temperatureKL } from './ld.js';
import { assertNumber, columnsOf, rowLoss } from './rowLoss.js';

const BINARY_KL = { name: 'binary KL', source };

const FOCAL_BINARY = { name: 'focal binary', source: focalSource };

const TEMPERATURE = 2;

const OPTIONS = optionsOf({ form: optional(oneOf('softmax', 'binary', 'focal-binary')) });

/** How classes are distilled. */
export interface ClassDistillationOptions extends TemperatureOptions {
  /**
   * `softmax` (default): one distribution over the classes, as LD does it. `binary`: one Bernoulli distribution a class,
   * which suits sigmoid classifiers and, unlike softmax, is not silent with a single class. `focal-binary`: binary cross-entropy to
   * the teacher's score times a power of the scores' difference (BCKD, ICCV 2023; CrossKD, CVPR 2024).
   */
  form?: 'softmax' | 'binary' | 'focal-binary';
  /** Exponent of `focal-binary`, 1 unless given. */
  beta?: number;
}

/**
 * Class distillation of each row, the teacher held fixed. `softmax`: `temperatureKL` over the classes. `binary`:
 * ℓ = (T²/C) Σ_c [p ln(p/q) + (1 − p) ln((1 − p)/(1 − q))], p = σ(teacher / T), q = σ(student / T); dℓ/dx_c = (T/C)(q_c − p_c).
 * `focal-binary`: ℓ = T² Σ_c |q − p|^β BCE(x / T, p), a sum over the classes, whose factor has a gradient.
 * LD's term of the main region is lossWeight 10, averageFactor the positives of a level.
 * @param student [R, C] class logits
 * @param teacher [R, C]
 * @param options `temperature` 2 unless given, of `focal-binary` 1
 * @throws InputError when the teacher's shape is not the student's, or the temperature is not positive, or beta negative
 */
export function classDistillation(
  student: Variable,
  teacher: Tensor,
  options: ClassDistillationOptions = {},
): Variable {
  assertVariable('student', student);
  OPTIONS('options', options);
  const { form = 'softmax', beta = 1, temperature = form === 'focal-binary' ? 1 : TEMPERATURE, ...rest } = options;
  if (form === 'softmax') return temperatureKL(student, teacher, { ...rest, temperature });
  const classes = columnsOf('student', student.value, 1);
  assertNumber('temperature', temperature, 0);
  assertSameRows(student.value, teacher);
  const bindings = { student: student.value.range, teacher: teacher.range };
  if (form === 'binary') {
    return rowLoss(student, { kernel: BINARY_KL, bindings, params: { classes, temperature } }, rest);
  }
  if (!(beta >= 0)) throw new InputError(`beta: ${brief(beta)}; expected an exponent of at least 0.`);
  const constants = kdConstants({ form, beta });
  return rowLoss(student, { kernel: FOCAL_BINARY, constants, bindings, params: { classes, temperature, beta } }, rest);
}
