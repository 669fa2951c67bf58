import { at, build, type NdArray } from './arrays.js';

/** f of two arrays with NumPy's broadcasting. */
export function broadcast(left: NdArray, right: NdArray, f: (left: number, right: number) => number): NdArray {
  const dimensions = Math.max(left.shape.length, right.shape.length);
  const aligned = ({ shape, values }: NdArray): NdArray => ({
    shape: [...Array.from({ length: dimensions - shape.length }, () => 1), ...shape],
    values,
  });
  const [a, b] = [aligned(left), aligned(right)];
  const own = ({ shape }: NdArray, index: number[]) => index.map((i, d) => (shape[d] === 1 ? 0 : i));
  return build(
    a.shape.map((extent, d) => Math.max(extent, b.shape[d])),
    (index) => f(at(a, own(a, index)), at(b, own(b, index))),
  );
}
