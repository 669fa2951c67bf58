/**
 * Distribution over bins: softmax, its logarithm, and the expectation ("integral") of Generalized Focal Loss, eq. 6.
 * Plain float64 oracle.
 */

/** ln softmax(logits / temperature), shifted by the maximum so that logits of any size are finite. Shape [K] -> [K]. */
export function logSoftmax(logits: ArrayLike<number>, temperature = 1): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < logits.length; k++) largest = Math.max(largest, logits[k] / temperature);
  let sum = 0;
  for (let k = 0; k < logits.length; k++) sum += Math.exp(logits[k] / temperature - largest);
  const logSum = Math.log(sum);
  return Float64Array.from(logits, (z) => z / temperature - largest - logSum);
}

/** softmax(logits / temperature). Shape [K] -> [K]. */
export function softmax(logits: ArrayLike<number>, temperature = 1): Float64Array {
  return logSoftmax(logits, temperature).map(Math.exp);
}

/** Expected bin index d = sum_k k p_k, in [0, K-1] (units of stride for an edge). Shape [K] -> scalar. */
export function integral(logits: ArrayLike<number>): number {
  return softmax(logits).reduce((sum, p, k) => sum + k * p, 0);
}

/** dd/dz_k = p_k (k - d). Shape [K] -> [K]. */
export function integralGradient(logits: ArrayLike<number>): Float64Array {
  const distance = integral(logits);
  return softmax(logits).map((p, k) => p * (k - distance));
}

/** Distance of an edge in strides: the expectation, or, of a head without distributions (one bin), the logit itself. */
export function edgeDistance(logits: ArrayLike<number>): number {
  return logits.length === 1 ? logits[0] : integral(logits);
}

/** Its derivative by the logits. */
export function edgeGradient(logits: ArrayLike<number>): Float64Array {
  return logits.length === 1 ? Float64Array.of(1) : integralGradient(logits);
}

/** 1 / (1 + exp(-x)), finite for every x. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** ln(1 + exp(x)) = -ln(1 - sigmoid(x)), finite for every x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
