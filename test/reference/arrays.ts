/** A row-major array of float64. */
export interface NdArray {
  shape: readonly number[];
  values: ArrayLike<number>;
}

export const count = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);

/** Every index of a shape, row-major. */
export function indices(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, extent) => all.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  );
}

/** The element at an index. */
export function at({ shape, values }: NdArray, index: readonly number[]): number {
  return values[index.reduce((element, i, d) => element * shape[d] + i, 0)];
}

/** The array of a function of the index. */
export function build(shape: readonly number[], f: (index: number[]) => number): NdArray {
  return { shape, values: Float64Array.from(indices(shape), f) };
}

/** Each element by itself. */
export function mapped({ shape, values }: NdArray, f: (value: number) => number): NdArray {
  return { shape, values: Float64Array.from(values, f) };
}
