import { logSoftmax, sigmoid, softplus } from './bins.js';
import type { RowLoss } from './distributionFocalLoss.js';

/**
 * Localization distillation's loss of one row, the teacher p held fixed (Zheng et al., CVPR 2022):
 * l = (T^2 / K) sum_k p_k (ln p_k - ln q_k), p = softmax(teacher / T), q = softmax(student / T);
 * dl/dz_k = (T / K) (q_k - p_k). The mean over bins, not the sum. `student`, `teacher` [K].
 * Over class logits the same formula is the reference's class distillation (K = classes).
 */
export function temperatureKL(student: ArrayLike<number>, teacher: ArrayLike<number>, temperature: number): RowLoss {
  const size = student.length;
  const logP = logSoftmax(teacher, temperature);
  const logQ = logSoftmax(student, temperature);
  let sum = 0;
  const gradient = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const p = Math.exp(logP[k]);
    sum += p * (logP[k] - logQ[k]);
    gradient[k] = (temperature / size) * (Math.exp(logQ[k]) - p);
  }
  return { loss: (temperature ** 2 / size) * sum, gradient };
}

/**
 * Class distillation for sigmoid classifiers: one Bernoulli KL a class, mean over classes, times T^2:
 * l = (T^2 / C) sum_c [p ln(p/q) + (1-p) ln((1-p)/(1-q))], p = sigmoid(teacher / T), q = sigmoid(student / T);
 * dl/dx_c = (T / C) (q_c - p_c). `student`, `teacher` [C].
 */
export function binaryTemperatureKL(
  student: ArrayLike<number>,
  teacher: ArrayLike<number>,
  temperature: number,
): RowLoss {
  const size = student.length;
  let sum = 0;
  const gradient = new Float64Array(size);
  for (let c = 0; c < size; c++) {
    const a = teacher[c] / temperature;
    const b = student[c] / temperature;
    // ln sigmoid(x) = -softplus(-x), ln(1 - sigmoid(x)) = -softplus(x)
    sum += sigmoid(a) * (softplus(-b) - softplus(-a)) + sigmoid(-a) * (softplus(b) - softplus(a));
    gradient[c] = (temperature / size) * (sigmoid(b) - sigmoid(a));
  }
  return { loss: (temperature ** 2 / size) * sum, gradient };
}
