const logistic = (x: number) => 1 / (1 + Math.exp(-x));
const held = (x: number, min: number, max: number) => Math.min(Math.max(x, min), max);

/** erf(x) = 2/√π exp(−x²) Σ 2ⁿ x²ⁿ⁺¹ / (1 · 3 ⋯ (2n + 1)); beyond 6 it is ±1 in float64. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = 0;
  for (let n = 0; n < 200; n++) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 3);
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
export const sigmoid = logistic;
export const tanh = Math.tanh;
export const exp = (x: number) => Math.exp(Math.min(x, 88));
export const sqrt = (x: number) => Math.sqrt(Math.max(x, 0));
export const mish = (x: number) => x * Math.tanh(softplus(x));
export const gelu = (x: number) => (x * (1 + erf(x / Math.SQRT2))) / 2;
export const hardSwish = (x: number) => (x * held(x + 3, 0, 6)) / 6;
export const leakyRelu = (x: number, alpha: number) => (x > 0 ? x : alpha * x);
export const hardSigmoid = (x: number, alpha: number, beta: number) => held(alpha * x + beta, 0, 1);
export const clip = held;
