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

/** What a bin stands for: the values of a table, or its index. */
type Values = readonly number[] | undefined;

/** Expected value d = sum_k v_k p_k (units of stride for an edge), v_k = k without a projection. Shape [K] -> scalar. */
export function integral(logits: ArrayLike<number>, projection?: Values): number {
  return softmax(logits).reduce((sum, p, k) => sum + (projection?.[k] ?? k) * p, 0);
}

/** dd/dz_k = p_k (v_k - d). Shape [K] -> [K]. */
export function integralGradient(logits: ArrayLike<number>, projection?: Values): Float64Array {
  const distance = integral(logits, projection);
  return softmax(logits).map((p, k) => p * ((projection?.[k] ?? k) - distance));
}

/** Distance of an edge in strides: the expectation, or, of a head without distributions (one bin), the logit itself. */
export function edgeDistance(logits: ArrayLike<number>, projection?: Values): number {
  return logits.length === 1 ? logits[0] : integral(logits, projection);
}

/** Its derivative by the logits. */
export function edgeGradient(logits: ArrayLike<number>, projection?: Values): Float64Array {
  return logits.length === 1 ? Float64Array.of(1) : integralGradient(logits, projection);
}

/** 1 / (1 + exp(-x)), finite for every x. */
export function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** ln(1 + exp(x)) = -ln(1 - sigmoid(x)), finite for every x. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
