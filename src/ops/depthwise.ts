import depthwiseSource, { constants } from '../../shaders/ops/depthwise.wgsl';
import columnsSource from '../../shaders/ops/depthwise_columns.wgsl';
import incomingNumbers from '../../shaders/ops/depthwise_incoming_numbers.wgsl';
import incomingQuads from '../../shaders/ops/depthwise_incoming_quads.wgsl';
import inputGradientSource from '../../shaders/ops/depthwise_input_gradient.wgsl';
import numbers from '../../shaders/ops/depthwise_numbers.wgsl';
import quads from '../../shaders/ops/depthwise_quads.wgsl';
import storeNumbers from '../../shaders/ops/depthwise_store_numbers.wgsl';
import storeQuads from '../../shaders/ops/depthwise_store_quads.wgsl';
import weightGradientSource from '../../shaders/ops/depthwise_weight_gradient.wgsl';
import type { SinkOf } from '../autograd/variable.js';
import { composed } from '../gpu/composed.js';
import type { BufferRange, KernelDefinition } from '../gpu/launch.js';
import { storedForms, storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Activation, activationConstants } from './activated.js';
import { sumChunks } from './sumChunks.js';

const DEPTHWISE = storedKernel({ name: 'depthwise convolution, any window', source: depthwiseSource });
/** Forms of the map whose rows are read, of the one that is written, and of the incoming gradient. */
const READ = { numbers, quads };
const STORE = { numbers: storeNumbers, quads: storeQuads };
const INCOMING = { numbers: incomingNumbers, quads: incomingQuads };
const columnsOf = formsOf('depthwise convolution', columnsSource, STORE);
const inputGradientOf = formsOf('depthwise input gradient', inputGradientSource, STORE);
const weightGradientOf = formsOf('depthwise weight gradient', weightGradientSource, INCOMING);

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
  const others = { weight: weight.range, bias: (bias ?? weight).range };
  const has_bias = bias ? 1 : 0;
  if (goesByColumns(window)) {
    const groups = batch * outputs * Math.ceil(out_width / COLUMNS_AT_ONCE);
    const cut = stripsOf(output, out_height, groups);
    const count = groups * cut.strips;
    const [read, written] = [readOf(input, window.width, inputRow(window)), wholeQuads(output, out_width)];
    output.device.run({
      kernel: columnsOf[written.by](read.by, input, output),
      constants: { ...constantsOf(window), ...read.constants, ...activationConstants(activation) },
      bindings: { ...others, source: read.range, result: written.range },
      params: { ...window, ...cut, count, has_bias },
      invocations: count,
    });
    return;
  }
  const count = batch * outputs * Math.ceil(out_height / constants.ROWS) * out_width;
  output.device.run({
    kernel: DEPTHWISE(input, output),
    constants: { KERNEL_HEIGHT: kernel_height, KERNEL_WIDTH: kernel_width, ...activationConstants(activation) },
    bindings: { ...others, input: input.range, output: output.range },
    params: { ...window, ...WHOLE, count, has_bias },
    invocations: count,
  });
}

/** Fills `gradient` with that of the input; false, with nothing done, for large or spread windows. */
export function depthwiseInputGradient(incoming: Tensor, weight: Tensor, gradient: Tensor, window: Window): boolean {
  if (!goesByColumns(window)) return false;
  const { batch, outputs, height, width, out_width, top, left, kernel_width, stride_y, stride_x } = window;
  const groups = batch * outputs * Math.ceil(width / (COLUMNS_AT_ONCE * stride_x));
  const cut = stripsOf(gradient, Math.floor((height - 1 + top) / stride_y) + 1, groups);
  const count = groups * cut.strips;
  const before = Math.ceil(kernel_width / stride_x) - 1;
  const phase = left % stride_x;
  const row = { first: Math.floor(left / stride_x) - before, pixels: COLUMNS_AT_ONCE + before + phase };
  const [read, written] = [readOf(incoming, out_width, row), wholeQuads(gradient, width)];
  gradient.device.run({
    kernel: inputGradientOf[written.by](read.by, incoming, gradient),
    constants: { ...constantsOf(window), ...read.constants, FIRST_PHASE: phase },
    bindings: { source: read.range, weight: weight.range, result: written.range },
    params: { ...window, ...cut, count, has_bias: 0 },
    invocations: count,
  });
  return true;
}

/** The gradients of weight (parent 1) and, where `isBiased`, bias (2), each null where it is added to its sink; null for large or spread windows. */
export function depthwiseGradients(
  input: Tensor,
  incoming: Tensor,
  weight: Tensor,
  window: Window,
  isBiased: boolean,
  sinkOf: SinkOf,
): (Tensor | null)[] | null {
  if (!goesByColumns(window)) return null;
  const { device } = weight;
  const { batch, outputs, width, out_height, out_width } = window;
  const cut = stripsOf(input, out_height, batch * outputs);
  const chunks = batch * cut.strips;
  const count = chunks * outputs;
  const [partial, biasPartial] = [device.empty([chunks, ...weight.shape]), device.empty([chunks, outputs])];
  const [read, arrived] = [readOf(input, width, inputRow(window)), wholeQuads(incoming, out_width)];
  device.run({
    kernel: weightGradientOf[arrived.by](read.by, input, incoming),
    constants: { ...constantsOf(window), ...read.constants },
    bindings: {
      source: read.range,
      incoming: arrived.range,
      partial: partial.range,
      bias_partial: biasPartial.range,
    },
    params: { ...window, ...cut, count, has_bias: 0 },
    invocations: count,
  });
  const gradients = [
    sumChunks(partial, chunks, weight.shape, sinkOf(1)),
    isBiased ? sumChunks(biasPartial, chunks, [outputs], sinkOf(2)) : null,
  ];
  partial.dispose();
  biasPartial.dispose();
  return gradients;
}

/** Kernels by the form of `others`; each takes the form of the rows and the maps. */
function formsOf(name: string, body: KernelDefinition['source'], others: typeof STORE | typeof INCOMING) {
  const by = (other: keyof typeof others) =>
    storedForms(composed(`${name}, ${other}`, [...others[other], ...body], READ));
  return { numbers: by('numbers'), quads: by('quads') };
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

/** What the kernels read of a row: the first column, for outputs from column 0 on, and how many. */
interface RowRead {
  first: number;
  pixels: number;
}

/** The part of the input's row that four outputs see. */
function inputRow({ left, stride_x, kernel_width }: Window): RowRead {
  return { first: -left, pixels: (COLUMNS_AT_ONCE - 1) * stride_x + kernel_width };
}

/** How a map's rows are read: four pixels at once where they are whole quads and the adapter gains by it, else one by one. */
function readOf(map: Tensor, width: number, { first, pixels }: RowRead) {
  const whole = wholeQuads(map, width);
  if (whole.by === 'numbers' || map.device.choice('depthwise.reads') === 'numbers') {
    return { by: 'numbers', range: map.range, constants: { PIXELS: pixels } } as const;
  }
  return { ...whole, constants: { PIXELS: pixels, SHIFT: ((first % 4) + 4) % 4 } };
}

/** How four pixels from a multiple of four on are read or written. */
function wholeQuads(map: Tensor, width: number): { by: keyof typeof READ; range: BufferRange } {
  return width % 4 === 0 ? { by: 'quads', range: map.range4 } : { by: 'numbers', range: map.range };
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
