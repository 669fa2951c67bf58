import { at, build, indices, type NdArray } from './arrays.js';

/** Products of matrices with NumPy's broadcasting of the dimensions in front. */
export function matMul(a: NdArray, b: NdArray): NdArray {
  const dimensions = Math.max(a.shape.length, b.shape.length);
  const aligned = ({ shape, values }: NdArray): NdArray => ({
    shape: [...Array.from({ length: dimensions - shape.length }, () => 1), ...shape],
    values,
  });
  const [left, right] = [aligned(a), aligned(b)];
  const [rows, inner] = left.shape.slice(-2);
  const [columns] = right.shape.slice(-1);
  const outer = left.shape.slice(0, -2).map((extent, d) => Math.max(extent, right.shape[d]));
  const own = ({ shape }: NdArray, index: readonly number[]) => index.map((i, d) => (shape[d] === 1 ? 0 : i));
  return build([...outer, rows, columns], (index) => {
    const front = index.slice(0, -2);
    const [m, n] = index.slice(-2);
    let sum = 0;
    for (let k = 0; k < inner; k++) {
      sum += at(left, [...own(left, front), m, k]) * at(right, [...own(right, front), k, n]);
    }
    return sum;
  });
}

/** exp(x) / Σ exp(x) along an axis. */
export function softmax(x: NdArray, axis: number): NdArray {
  const values = new Float64Array(x.values.length);
  const extent = x.shape[axis];
  const step = x.shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  for (const index of indices(x.shape.map((length, d) => (d === axis ? 1 : length)))) {
    const first = index.reduce((element, i, d) => element * x.shape[d] + i, 0);
    const row = Array.from({ length: extent }, (_, k) => x.values[first + k * step]);
    const highest = Math.max(...row);
    const sum = row.reduce((total, value) => total + Math.exp(value - highest), 0);
    for (const [k, value] of row.entries()) values[first + k * step] = Math.exp(value - highest) / sum;
  }
  return { shape: x.shape, values };
}
