import convolutionSource from '../../shaders/ops/convolution.wgsl';
import inputGradientSource from '../../shaders/ops/convolution_input_gradient.wgsl';
import weightGradientSource from '../../shaders/ops/convolution_weight_gradient.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { MAX_WORKGROUPS } from '../gpu/launch.js';
import { Pyramid } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { integer } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { type Activation, activationConstants, activationGradient, assertActivation } from './activated.js';
import { convolutionShape } from './conv2d.js';
import { ConvolutionInput, convolve, inputGradient } from './convolve.js';
import { depthwise, depthwiseGradients, depthwiseInputGradient, isDepthwise, WHOLE, type Window } from './depthwise.js';
import { slice } from './layout.js';
import { biasGradient, weightGradient } from './weightGradient.js';

const CONVOLUTION = storedKernel({ name: 'convolution', source: convolutionSource });
const INPUT_GRADIENT = storedKernel({ name: 'convolution input gradient', source: inputGradientSource });
const WEIGHT_GRADIENT = storedKernel({ name: 'convolution weight gradient', source: weightGradientSource });

/** How a window goes over maps. */
export interface ConvolutionOptions {
  /** [down, right] */
  strides: readonly number[];
  /** Zeros [above, left, below, right] of the map. */
  pads: readonly number[];
  /** Pixels between taps [down, right]; 1 is next to each other. */
  dilations: readonly number[];
  /** Groups of input and of output channels; outputs see their own group's inputs. */
  groups: number;
  /** Of the sums, before they are stored; default: none. */
  activation?: Activation;
}

/**
 * Convolution with any window (ONNX Conv in two dimensions):
 * output[b, o, y, x] = bias[o] + Σ weight[o, i, ky, kx] · input[b, i, stride·y + dilation·ky − top, stride·x + dilation·kx − left].
 * @param input `[B, I, H, W]`
 * @param weight `[O, I / groups, kh, kw]`
 * @param bias `[O]`, or null for none
 * @returns `[B, O, ⌊(H + top + below − dilation·(kh − 1) − 1) / stride⌋ + 1, likewise]`
 * @throws InputError when shapes or options do not fit
 */
export function convolution(
  input: Variable,
  weight: Variable,
  bias: Variable | null,
  options: ConvolutionOptions,
): Variable {
  assertOptions(options);
  const window = windowOf(input.value.shape, weight.value, options);
  assertBias(bias?.value ?? null, window.outputs);
  const { kernel_height: kernel, kernel_width: across, stride_y: down, stride_x: right } = window;
  const pads = options.pads.join();
  const { activation } = options;
  if (window.groups === 1 && kernel === across) {
    if (kernel === 1 && pads === '0,0,0,0') {
      const { batch, inputs, out_height, out_width } = window;
      const isWhole = down === 1 && right === 1;
      const seen = isWhole
        ? input
        : slice(input, [0, 0, 0, 0], [batch, inputs, out_height, out_width], [1, 1, down, right]);
      const output = dense(seen, weight, bias, { kernel: 1, stride: 1, activation });
      // Where no gradient goes through the copy, nothing else holds it.
      if (!isWhole && !output.requiresGradient) seen.value.dispose();
      return output;
    }
    const isSpread = options.dilations.some((dilation) => dilation !== 1);
    if (kernel === 3 && pads === '1,1,1,1' && !isSpread && down === right && (down === 1 || down === 2)) {
      return dense(input, weight, bias, { kernel: 3, stride: down, activation });
    }
  }
  return direct(input, weight, bias, window, activation);
}

/** How the window of a transposed convolution goes over its result. */
export interface TransposedConvolutionOptions extends Omit<ConvolutionOptions, 'activation'> {
  /** Rows and columns added [below, right] of the result; default none. */
  outputPadding?: readonly number[];
}

/**
 * Transposed convolution (ONNX ConvTranspose in two dimensions): the gradient of a convolution with respect to its input.
 * output[b, o, stride·y + dilation·ky − top, …] = bias[o] + Σ weight[i, o, ky, kx] · input[b, i, y, x].
 * @param input `[B, I, H, W]`
 * @param weight `[I, O / groups, kh, kw]`
 * @param bias `[O]`, or null for none
 * @returns `[B, O, stride · (H − 1) + dilation · (kh − 1) + 1 + padding − top − below, likewise]`
 * @throws InputError when shapes or options do not fit
 */
export function transposedConvolution(
  input: Variable,
  weight: Variable,
  bias: Variable | null,
  options: TransposedConvolutionOptions,
): Variable {
  assertOptions(options);
  const { strides, pads, dilations, groups, outputPadding = [0, 0] } = options;
  const { device, shape, type } = input.value;
  const [batch, inputs, height, width] = shape;
  const [taken, each, ...kernel] = weight.value.shape;
  if (shape.length !== 4) throw new InputError(`input: shape [${shape}]; expected [batch, channels, height, width].`);
  if (kernel.length !== 2 || taken !== inputs || inputs % groups !== 0 || weight.value.size === 0) {
    throw new InputError(
      `weight: shape [${weight.value.shape}]; expected [${inputs}, outputs / ${groups}, kernel height, kernel width], ${inputs} a multiple of ${groups} (groups).`,
    );
  }
  const to = [height, width].map(
    (extent, d) =>
      strides[d] * (extent - 1) + dilations[d] * (kernel[d] - 1) + 1 + (outputPadding[d] ?? 0) - pads[d] - pads[d + 2],
  );
  const isBelowStride = outputPadding.length === 2 && outputPadding.every((rows, d) => rows >= 0 && rows < strides[d]);
  if (!isBelowStride || Math.min(...to) < 1) {
    throw new InputError(
      `outputPadding: [${outputPadding}]; expected two integers below the strides, [${strides}], and a result of at least 1×1; it is ${to.join('×')}.`,
    );
  }
  const channels = each * groups;
  assertBias(bias?.value ?? null, channels);
  const result = [batch, channels, ...to];
  // Its own gradient is a convolution, of the result to the input.
  const window = { ...windowOf(result, weight.value, options), out_height: height, out_width: width };
  const output = gather(input.value, weight.value, bias?.value ?? null, device.empty(result, type), window);
  return Variable.from(output, bias ? [input, weight, bias] : [input, weight], (incoming, sinkOf) => {
    let gradient: Tensor | null = null;
    if (input.requiresGradient) {
      gradient = emptyLike(input.value);
      forward(incoming, weight.value, null, gradient, window);
    }
    return [
      gradient,
      weight.requiresGradient ? correlate(incoming, input.value, weight.value, window) : null,
      bias?.requiresGradient
        ? biasGradient(incoming, { batch, outputs: channels, to: [{ height: 1, width: to[0] * to[1] }] }, sinkOf(2))
        : null,
    ];
  });
}

function dense(
  input: Variable,
  weight: Variable,
  bias: Variable | null,
  { kernel, stride, activation }: { kernel: 1 | 3; stride: 1 | 2; activation: Activation | undefined },
): Variable {
  const { device, shape: inputShape, type } = input.value;
  const [batch, channels, height, width] = inputShape;
  const maps = Pyramid.of(input.value, batch, channels, [{ height, width }]);
  const [outputs] = weight.value.shape;
  const { shape, sizes } = convolutionShape(maps, { outputs, kernel, stride });
  const output = device.empty([batch, outputs, sizes[0].height, sizes[0].width], type);
  const read = new ConvolutionInput(input.value, shape);
  convolve(read, weight.value, bias?.value ?? null, output, shape, activation);
  // The weight's gradient makes the copy again: kept, it would take as much memory as the input.
  read.dispose();
  return Variable.from(output, bias ? [input, weight, bias] : [input, weight], (arriving, sinkOf) => {
    const incoming = activation ? activationGradient(arriving, output, activation) : arriving;
    const gradients = [
      input.requiresGradient ? inputGradient(incoming, weight.value, maps, shape) : null,
      weight.requiresGradient ? weightGradient(incoming, read, weight.value, shape, sinkOf(1)) : null,
      bias?.requiresGradient ? biasGradient(incoming, shape, sinkOf(2)) : null,
    ];
    read.dispose();
    if (activation) incoming.dispose();
    return gradients;
  });
}

function direct(
  input: Variable,
  weight: Variable,
  bias: Variable | null,
  window: Window,
  activation?: Activation,
): Variable {
  const { device, type } = input.value;
  const { batch, outputs, out_height: height, out_width: width } = window;
  const output = device.empty([batch, outputs, height, width], type);
  forward(input.value, weight.value, bias?.value ?? null, output, window, activation);
  return Variable.from(output, bias ? [input, weight, bias] : [input, weight], (arriving, sinkOf) => {
    const incoming = activation ? activationGradient(arriving, output, activation) : arriving;
    const wanted = { weight: weight.requiresGradient, bias: bias?.requiresGradient ?? false };
    const own = isDepthwise(window) && wanted.weight;
    const both = own ? depthwiseGradients(input.value, incoming, weight.value, window, wanted.bias, sinkOf) : null;
    const gradients = [
      input.requiresGradient ? gather(incoming, weight.value, null, emptyLike(input.value), window) : null,
      ...(both ?? [
        wanted.weight ? correlate(input.value, incoming, weight.value, window) : null,
        wanted.bias
          ? biasGradient(incoming, { batch, outputs, to: [{ height: 1, width: height * width }] }, sinkOf(2))
          : null,
      ]),
    ];
    if (activation) incoming.dispose();
    return gradients;
  });
}

function forward(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  output: Tensor,
  window: Window,
  activation?: Activation,
): void {
  if (isDepthwise(window)) {
    depthwise(input, weight, bias, output, window, activation);
    return;
  }
  output.device.run({
    kernel: CONVOLUTION(input, output),
    constants: activationConstants(activation),
    bindings: { input: input.range, weight: weight.range, bias: (bias ?? weight).range, output: output.range },
    params: { ...window, ...WHOLE, count: output.size, has_bias: bias ? 1 : 0 },
    invocations: output.size,
  });
}

/** Fills `gradient` with bias + the transposed convolution of `incoming`. */
function gather(incoming: Tensor, weight: Tensor, bias: Tensor | null, gradient: Tensor, window: Window): Tensor {
  if (!bias && isDepthwise(window) && depthwiseInputGradient(incoming, weight, gradient, window)) return gradient;
  gradient.device.run({
    kernel: INPUT_GRADIENT(incoming, gradient),
    bindings: {
      incoming: incoming.range,
      weight: weight.range,
      bias: (bias ?? weight).range,
      gradient: gradient.range,
    },
    params: { ...window, ...WHOLE, count: gradient.size, has_bias: bias ? 1 : 0 },
    invocations: gradient.size,
  });
  return gradient;
}

function correlate(input: Tensor, incoming: Tensor, weight: Tensor, window: Window): Tensor {
  const gradient = weight.device.empty(weight.shape);
  const count = gradient.size;
  const rows = Math.ceil(count / MAX_WORKGROUPS);
  weight.device.run({
    kernel: WEIGHT_GRADIENT(input, incoming),
    constants: { LANES: weight.device.choice('reduction.workgroup') },
    bindings: { input: input.range, incoming: incoming.range, gradient: gradient.range },
    params: { ...window, ...WHOLE, count, has_bias: 0 },
    workgroups: [Math.ceil(count / Math.max(1, rows)), rows, 1],
  });
  return gradient;
}

function assertOptions({ strides, pads, dilations, groups, activation }: ConvolutionOptions): void {
  if (activation) assertActivation(activation);
  for (const [name, list, length, least] of [
    ['strides', strides, 2, 1],
    ['pads', pads, 4, 0],
    ['dilations', dilations, 2, 1],
  ] as const) {
    if (list.length === length && list.every((value) => Number.isSafeInteger(value) && value >= least)) continue;
    throw new InputError(`${name}: [${list}]; expected ${length} integers of at least ${least}.`);
  }
  integer(1)('groups', groups);
}

function windowOf(shape: readonly number[], weight: Tensor, options: ConvolutionOptions): Window {
  const { strides, pads, dilations, groups } = options;
  const [batch, inputs, height, width] = shape;
  const [outputs, own, kernelHeight, kernelWidth] = weight.shape;
  if (shape.length !== 4) throw new InputError(`input: shape [${shape}]; expected [batch, channels, height, width].`);
  if (weight.shape.length !== 4 || own * groups !== inputs || outputs % groups !== 0 || weight.size === 0) {
    throw new InputError(
      `weight: shape [${weight.shape}]; expected [outputs, ${inputs} / ${groups}, kernel height, kernel width], outputs a multiple of ${groups} (groups).`,
    );
  }
  const along = (extent: number, kernel: number, stride: number, dilation: number, added: number) =>
    Math.floor((extent + added - dilation * (kernel - 1) - 1) / stride) + 1;
  const window = {
    batch,
    inputs,
    outputs,
    groups,
    height,
    width,
    out_height: along(height, kernelHeight, strides[0], dilations[0], pads[0] + pads[2]),
    out_width: along(width, kernelWidth, strides[1], dilations[1], pads[1] + pads[3]),
    kernel_height: kernelHeight,
    kernel_width: kernelWidth,
    stride_y: strides[0],
    stride_x: strides[1],
    top: pads[0],
    left: pads[1],
    dilation_y: dilations[0],
    dilation_x: dilations[1],
  };
  if (window.out_height < 1 || window.out_width < 1) {
    throw new InputError(
      `input: maps of ${height}×${width}, with pads [${pads}], are smaller than the window of ${kernelHeight}×${kernelWidth} with dilations [${dilations}].`,
    );
  }
  return window;
}

function assertBias(bias: Tensor | null, outputs: number): void {
  if (bias && bias.size !== outputs) {
    throw new InputError(`bias: ${bias.size} elements; the weight has ${outputs} outputs.`);
  }
}
