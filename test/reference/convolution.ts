import { at, build, type NdArray } from './arrays.js';

export interface Windowed {
  strides: readonly number[];
  pads: readonly number[];
  dilations: readonly number[];
  groups: number;
}

/** Conv of ONNX, by its definition. */
export function convolution(
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  { strides, pads, dilations, groups }: Windowed,
): NdArray {
  const [batch, , ...size] = input.shape;
  const [outputs, own, ...kernel] = weight.shape;
  const to = size.map((extent, d) =>
    Math.floor((extent + pads[d] + pads[d + 2] - dilations[d] * (kernel[d] - 1) - 1) / strides[d] + 1),
  );
  return build([batch, outputs, ...to], ([b, o, y, x]) => {
    const first = Math.floor((o * groups) / outputs) * own;
    let sum = bias ? bias.values[o] : 0;
    for (let i = 0; i < own; i++) {
      for (let ky = 0; ky < kernel[0]; ky++) {
        const row = y * strides[0] + ky * dilations[0] - pads[0];
        for (let kx = 0; kx < kernel[1]; kx++) {
          const column = x * strides[1] + kx * dilations[1] - pads[1];
          if (row < 0 || row >= size[0] || column < 0 || column >= size[1]) continue;
          sum += at(weight, [o, i, ky, kx]) * at(input, [b, first + i, row, column]);
        }
      }
    }
    return sum;
  });
}
