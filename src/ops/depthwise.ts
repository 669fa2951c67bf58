import depthwiseSource, { constants } from '../../shaders/ops/depthwise.wgsl';
import columnsSource from '../../shaders/ops/depthwise_columns.wgsl';
import inputGradientSource from '../../shaders/ops/depthwise_input_gradient.wgsl';
import weightGradientSource from '../../shaders/ops/depthwise_weight_gradient.wgsl';
import type { Tensor } from '../tensor/tensor.js';
import { type Activation, activationConstants } from './activated.js';
import { sumChunks } from './sumChunks.js';

const DEPTHWISE = { name: 'depthwise convolution, any window', source: depthwiseSource };
const COLUMNS = { name: 'depthwise convolution', source: columnsSource };
const INPUT_GRADIENT = { name: 'depthwise input gradient', source: inputGradientSource };
const WEIGHT_GRADIENT = { name: 'depthwise weight gradient', source: weightGradientSource };

/** The sizes of a convolution: its kernels' params. */
export interface Window {
  /** Images. */
  batch: number;
  inputs: number;
  outputs: number;
  groups: number;
  height: number;
  width: number;
  out_height: number;
  out_width: number;
  kernel_height: number;
  kernel_width: number;
  stride_y: number;
  stride_x: number;
  top: number;
  left: number;
  dilation_y: number;
  dilation_x: number;
}

/** Maps that are not cut into strips. */
export const WHOLE = { strips: 1, rows_a_strip: 0 };

const COLUMNS_AT_ONCE = 4;
/** Largest window and stride of the kernels that go down columns. */
const LARGEST_WINDOW = 5;
const LARGEST_STRIDE = 2;

/** Whether each channel is convolved by itself, into one. */
export function isDepthwise({ groups, inputs, outputs }: Window): boolean {
  return groups === inputs && groups === outputs;
}

/** Fills output `[B, C, …]` with bias + weight ∗ input, channel by channel. @param weight `[C, 1, kh, kw]` */
export function depthwise(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  output: Tensor,
  window: Window,
  activation?: Activation,
): void {
  const { batch, outputs, out_height, out_width, kernel_height, kernel_width } = window;
  const bindings = { input: input.range, weight: weight.range, bias: (bias ?? weight).range, output: output.range };
  const has_bias = bias ? 1 : 0;
  if (goesByColumns(window)) {
    const groups = batch * outputs * Math.ceil(out_width / COLUMNS_AT_ONCE);
    const cut = stripsOf(output, out_height, groups);
    const count = groups * cut.strips;
    output.device.run({
      kernel: COLUMNS,
      constants: { ...constantsOf(window), ...activationConstants(activation) },
      bindings,
      params: { ...window, ...cut, count, has_bias },
      invocations: count,
    });
    return;
  }
  const count = batch * outputs * Math.ceil(out_height / constants.ROWS) * out_width;
  output.device.run({
    kernel: DEPTHWISE,
    constants: { KERNEL_HEIGHT: kernel_height, KERNEL_WIDTH: kernel_width, ...activationConstants(activation) },
    bindings,
    params: { ...window, ...WHOLE, count, has_bias },
    invocations: count,
  });
}

/** Fills `gradient` with that of the input; false, with nothing done, for large or spread windows. */
export function depthwiseInputGradient(incoming: Tensor, weight: Tensor, gradient: Tensor, window: Window): boolean {
  if (!goesByColumns(window)) return false;
  const { batch, outputs, height, width, top, left, stride_y, stride_x } = window;
  const blocks = (extent: number, padding: number, stride: number) => Math.floor((extent - 1 + padding) / stride) + 1;
  const groups = batch * outputs * Math.ceil(blocks(width, left, stride_x) / COLUMNS_AT_ONCE);
  const cut = stripsOf(gradient, blocks(height, top, stride_y), groups);
  const count = groups * cut.strips;
  gradient.device.run({
    kernel: INPUT_GRADIENT,
    constants: constantsOf(window),
    bindings: { incoming: incoming.range, weight: weight.range, gradient: gradient.range },
    params: { ...window, ...cut, count, has_bias: 0 },
    invocations: count,
  });
  return true;
}

/** The gradients of weight and, where `isBiased`, bias, new tensors; null for large or spread windows. */
export function depthwiseGradients(
  input: Tensor,
  incoming: Tensor,
  weight: Tensor,
  window: Window,
  isBiased: boolean,
): { weight: Tensor; bias: Tensor | null } | null {
  if (!goesByColumns(window)) return null;
  const { device } = weight;
  const { batch, outputs, out_height } = window;
  const cut = stripsOf(input, out_height, batch * outputs);
  const chunks = batch * cut.strips;
  const count = chunks * outputs;
  const [partial, biasPartial] = [device.empty([chunks, ...weight.shape]), device.empty([chunks, outputs])];
  device.run({
    kernel: WEIGHT_GRADIENT,
    constants: constantsOf(window),
    bindings: {
      input: input.range,
      incoming: incoming.range,
      partial: partial.range,
      bias_partial: biasPartial.range,
    },
    params: { ...window, ...cut, count, has_bias: 0 },
    invocations: count,
  });
  const gradients = {
    weight: sumChunks(partial, chunks, weight.shape),
    bias: isBiased ? sumChunks(biasPartial, chunks, [outputs]) : null,
  };
  partial.dispose();
  biasPartial.dispose();
  return gradients;
}

function goesByColumns(window: Window): boolean {
  const { kernel_height, kernel_width, stride_y, stride_x, dilation_y, dilation_x } = window;
  return (
    Math.max(kernel_height, kernel_width) <= LARGEST_WINDOW &&
    Math.max(stride_y, stride_x) <= LARGEST_STRIDE &&
    dilation_y === 1 &&
    dilation_x === 1
  );
}

function constantsOf({ kernel_height, kernel_width, stride_y, stride_x }: Window): Record<string, number> {
  return { KERNEL_HEIGHT: kernel_height, KERNEL_WIDTH: kernel_width, STRIDE_Y: stride_y, STRIDE_X: stride_x };
}

/** Cuts maps of so many rows into strips, so that there is enough to do at once. @param invocations of whole maps */
function stripsOf({ device }: Tensor, rows: number, invocations: number): { strips: number; rows_a_strip: number } {
  const wanted = Math.ceil(device.choice('weightGradient.invocations') / invocations);
  const rowsAStrip = Math.max(Math.min(rows, LARGEST_WINDOW), Math.ceil(rows / wanted));
  return { strips: Math.ceil(rows / rowsAStrip), rows_a_strip: rowsAStrip };
}
