import { replaced } from '../../src/ops/dimensions.js';
import { at, build, type NdArray } from './arrays.js';

/** Result axis i is input axis perm[i]. */
export function transpose(x: NdArray, perm: readonly number[]): NdArray {
  return build(
    perm.map((axis) => x.shape[axis]),
    (index) =>
      at(
        x,
        x.shape.map((_, axis) => index[perm.indexOf(axis)]),
      ),
  );
}

export function concat(xs: readonly NdArray[], axis: number): NdArray {
  const total = xs.reduce((sum, { shape }) => sum + shape[axis], 0);
  return build(replaced(xs[0].shape, axis, total), (index) => {
    let entry = index[axis];
    for (const x of xs) {
      if (entry < x.shape[axis]) return at(x, replaced(index, axis, entry));
      entry -= x.shape[axis];
    }
    return Number.NaN;
  });
}

export function slice(
  x: NdArray,
  starts: readonly number[],
  sizes: readonly number[],
  steps: readonly number[],
): NdArray {
  return build(sizes, (index) =>
    at(
      x,
      index.map((i, d) => starts[d] + i * steps[d]),
    ),
  );
}

export function pad(x: NdArray, before: readonly number[], after: readonly number[], value: number): NdArray {
  return build(
    x.shape.map((extent, d) => before[d] + extent + after[d]),
    (index) => {
      const inner = index.map((i, d) => i - before[d]);
      return inner.every((i, d) => i >= 0 && i < x.shape[d]) ? at(x, inner) : value;
    },
  );
}
