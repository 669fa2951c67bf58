import { at, build, type NdArray } from './arrays.js';

export interface Pooling {
  kernel: readonly number[];
  strides: readonly number[];
  pads: readonly number[];
}

/** The values that each window sees of a [B, C, H, W], by `f`. */
function windows(
  input: NdArray,
  { kernel, strides, pads }: Pooling,
  f: (values: number[], cells: number) => number,
): NdArray {
  const [batch, channels, ...size] = input.shape;
  const to = size.map((extent, d) => Math.floor((extent + pads[d] + pads[d + 2] - kernel[d]) / strides[d] + 1));
  return build([batch, channels, ...to], ([b, c, y, x]) => {
    const values: number[] = [];
    for (let ky = 0; ky < kernel[0]; ky++) {
      for (let kx = 0; kx < kernel[1]; kx++) {
        const [row, column] = [y * strides[0] + ky - pads[0], x * strides[1] + kx - pads[1]];
        if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
        values.push(at(input, [b, c, row, column]));
      }
    }
    return f(values, kernel[0] * kernel[1]);
  });
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

export function maxPool(input: NdArray, pooling: Pooling): NdArray {
  return windows(input, pooling, (values) => Math.max(...values));
}

export function averagePool(input: NdArray, pooling: Pooling & { countIncludePad: boolean }): NdArray {
  return windows(input, pooling, (values, cells) => sum(values) / (pooling.countIncludePad ? cells : values.length));
}

/** Mean over axes, counted from the front. */
export function mean(input: NdArray, axes: readonly number[], keepDims: boolean): NdArray {
  const { shape } = input;
  const whole = shape.map((extent, d) => (axes.includes(d) ? 1 : extent));
  const means = build(whole, (index) => {
    const over = build(
      shape.map((extent, d) => (axes.includes(d) ? extent : 1)),
      (inner) =>
        at(
          input,
          index.map((i, d) => i + inner[d]),
        ),
    );
    return sum(Array.from(over.values)) / over.values.length;
  });
  return { shape: keepDims ? whole : shape.filter((_, d) => !axes.includes(d)), values: means.values };
}
