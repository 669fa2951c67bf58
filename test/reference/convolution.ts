import { at, build, indices, type NdArray } from './arrays.js';

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

/** ConvTranspose of ONNX, by its definition: each input spreads over its window. */
export function transposedConvolution(
  input: NdArray,
  weight: NdArray,
  bias: NdArray | null,
  { strides, pads, dilations, groups, outputPadding }: Windowed & { outputPadding: readonly number[] },
): NdArray {
  const [batch, inputs, ...size] = input.shape;
  const [, each, ...kernel] = weight.shape;
  const [rows, columns] = size.map(
    (extent, d) =>
      strides[d] * (extent - 1) + outputPadding[d] + (kernel[d] - 1) * dilations[d] + 1 - pads[d] - pads[d + 2],
  );
  const outputs = each * groups;
  const values = new Float64Array(batch * outputs * rows * columns);
  for (const [b, i, y, x] of indices(input.shape)) {
    const first = Math.floor((i * groups) / inputs) * each;
    for (const [o, ky, kx] of indices([each, ...kernel])) {
      const [row, column] = [
        y * strides[0] + ky * dilations[0] - pads[0],
        x * strides[1] + kx * dilations[1] - pads[1],
      ];
      if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
      const element = ((b * outputs + first + o) * rows + row) * columns + column;
      values[element] += at(weight, [i, o, ky, kx]) * at(input, [b, i, y, x]);
    }
  }
  const shape = [batch, outputs, rows, columns];
  return build(shape, (index) => at({ shape, values }, index) + (bias ? bias.values[index[1]] : 0));
}
