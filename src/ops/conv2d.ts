import { emptyMaps } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { LevelSize, Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { ConvolutionInput, type ConvolutionShape, convolve, inputGradient } from './convolve.js';
import { everySecond } from './everySecond.js';
import { biasGradient, readsCopies, weightGradient } from './weightGradient.js';

export interface Conv2dOptions {
  /** Default 1; 2 halves the maps: ceil(height / 2) × ceil(width / 2). */
  stride?: 1 | 2;
}

/**
 * Convolution of every level with one weight, zero padding p = (k − 1) / 2:
 * output[b, o, y, x] = bias[o] + Σ_i Σ_ky,kx weight[o, i, ky, kx] · input[b, i, stride·y + ky − p, stride·x + kx − p].
 * @param input `[B, I, H, W]` at each level; it has to live until the backward pass
 * @param weight `[O, I, k, k]`, k 1 or 3
 * @param bias `[O]`, or null for none
 * @returns `[B, O, ceil(H / stride), ceil(W / stride)]` at each level
 * @throws InputError when the weight or the bias does not fit
 */
export function conv2d(
  input: Variable<Pyramid>,
  weight: Variable,
  bias: Variable | null,
  options: Conv2dOptions = {},
): Variable<Pyramid> {
  return convolveMaps(input, weight, bias, options);
}

/**
 * `conv2d`.
 * @param options `isOwn`: the input has no gradient and is nobody else's: it is given back when nothing is to read it any more, which may be in the
 *   backward pass
 * @throws InputError likewise
 */
export function convolveMaps(
  input: Variable<Pyramid>,
  weight: Variable,
  bias: Variable | null,
  { stride = 1, isOwn = false }: Conv2dOptions & { isOwn?: boolean },
): Variable<Pyramid> {
  const kernel = kernelOf(input.value, weight.value, bias?.value ?? null);
  if (kernel === 1 && stride === 2) return conv2d(everySecond(input), weight, bias);

  const outputs = weight.value.shape[0];
  const { shape, sizes } = convolutionShape(input.value, { outputs, kernel, stride });
  const output = emptyMaps(input.value, outputs, sizes);
  const read = new ConvolutionInput(input.value, shape);
  convolve(read, weight.value, bias?.value ?? null, output, shape);
  let isHeld = isOwn;
  const letGo = () => {
    if (isHeld) input.value.dispose();
    isHeld = false;
  };
  // The weight's gradient reads the same.
  if (!weight.requiresGradient) read.dispose();
  if (!weight.requiresGradient || (read.isCopied && readsCopies(output.device))) letGo();
  return Variable.from(output, bias ? [input, weight, bias] : [input, weight], (incoming, sinkOf) => {
    const gradients = [
      input.requiresGradient ? inputGradient(incoming, weight.value, input.value, shape) : null,
      weight.requiresGradient ? weightGradient(incoming, read, weight.value, shape, sinkOf(1)) : null,
      bias?.requiresGradient ? biasGradient(incoming, shape, sinkOf(2)) : null,
    ];
    read.dispose();
    letGo();
    return gradients;
  });
}

/** The convolution in the kernels' terms, and the sizes of its output. A 1×1 kernel has stride 1. */
export function convolutionShape(
  { batch, channels, levels }: Pyramid,
  { outputs, kernel, stride }: { outputs: number; kernel: 1 | 3; stride: 1 | 2 },
): { shape: ConvolutionShape; sizes: LevelSize[] } {
  const sizes = levels.map(({ height, width }) => ({
    height: Math.ceil(height / stride),
    width: Math.ceil(width / stride),
  }));
  const flat = sizes.map(({ height, width }) => ({ height: 1, width: height * width }));
  const maps = kernel === 1 ? { from: flat, to: flat } : { from: levels, to: sizes };
  return { shape: { batch, inputs: channels, outputs, kernel, stride, ...maps }, sizes };
}

function kernelOf(input: Pyramid, weight: Tensor, bias: Tensor | null): 1 | 3 {
  const [outputs, inputs, height, width] = weight.shape;
  if (weight.shape.length !== 4 || (height !== 1 && height !== 3) || width !== height) {
    throw new InputError(`weight: shape [${weight.shape}]; expected [outputs, inputs, k, k] with k 1 or 3.`);
  }
  if (inputs !== input.channels) {
    throw new InputError(`weight: shape [${weight.shape}] takes ${inputs} channels; the input has ${input.channels}.`);
  }
  if (bias && bias.size !== outputs) {
    throw new InputError(`bias: ${bias.size} elements; the weight [${weight.shape}] has ${outputs} outputs.`);
  }
  return height;
}
