import { sigmoid, softplus } from './bins.js';
import type { RowLoss } from './distributionFocalLoss.js';

/**
 * Focal binary class distillation of one row, the teacher held fixed (BCKD, Yang et al., ICCV 2023): with q = sigmoid(x / T) and
 * p = sigmoid(t / T), l = T^2 sum_c |q - p|^beta BCE(x / T, p); the factor |q - p|^beta has a gradient, too. A sum over the classes.
 * `student`, `teacher` [C].
 */
export function focalBinary(
  student: ArrayLike<number>,
  teacher: ArrayLike<number>,
  temperature: number,
  beta: number,
): RowLoss {
  let loss = 0;
  const gradient = new Float64Array(student.length);
  for (let c = 0; c < student.length; c++) {
    const [x, t] = [student[c] / temperature, teacher[c] / temperature];
    const entropy = sigmoid(t) * softplus(-x) + sigmoid(-t) * softplus(x);
    const difference = sigmoid(x) - sigmoid(t);
    if (difference === 0) {
      if (beta === 0) loss += entropy * temperature ** 2;
      continue;
    }
    const factor = Math.abs(difference) ** beta;
    const factorSlope = beta * Math.abs(difference) ** (beta - 1) * Math.sign(difference) * sigmoid(x) * sigmoid(-x);
    loss += temperature ** 2 * factor * entropy;
    gradient[c] = temperature * (factor * difference + factorSlope * entropy);
  }
  return { loss, gradient };
}
