import { Variable } from '../autograd/variable.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { convolutionShape } from './conv2d.js';
import { ConvolutionInput, convolve, inputGradient } from './convolve.js';
import { biasGradient, weightGradient } from './weightGradient.js';

/**
 * A 1×1 convolution of every level with a weight of its own; a head's weight, which all levels share, is `conv2d`'s.
 * @param input `[B, I, H, W]` at each level
 * @param weights `[O, I, 1, 1]`, one a level
 * @param biases `[O]`, one a level; null for none
 * @returns `[B, O, H, W]` at each level
 * @throws InputError when weights or biases do not fit
 */
export function conv2dLevels(
  input: Variable<Pyramid>,
  weights: readonly Variable[],
  biases: readonly Variable[] | null,
): Variable<Pyramid> {
  const { device, batch, levels } = input.value;
  const outputs = outputsOf(input.value, weights, biases);
  const output = Pyramid.empty(device, batch, outputs, levels);
  const parts = weights.map((weight, index) => {
    const part = levelOf(input.value, input.value, index);
    const { shape, sizes } = convolutionShape(part, { outputs, kernel: 1, stride: 1 });
    const read = new ConvolutionInput(part, shape);
    const own = Pyramid.empty(
      device,
      batch,
      outputs,
      sizes.map((_, i) => part.levels[i]),
    );
    convolve(read, weight.value, biases?.[index].value ?? null, own, shape);
    place(own, output, index);
    own.dispose();
    return { part, read, shape, weight };
  });
  const release = () => {
    for (const { part, read } of parts) {
      read.dispose();
      part.dispose();
    }
  };
  const parents = [input, ...weights, ...(biases ?? [])];
  if (!parents.some(({ requiresGradient }) => requiresGradient)) release();
  return Variable.from(output, parents, (incoming, sinkOf) => {
    const gradient = input.requiresGradient ? Pyramid.empty(device, batch, input.value.channels, levels) : null;
    const own = parts.map(({ part, read, shape, weight }, index) => {
      const arrived = levelOf(output, incoming, index);
      if (gradient) {
        const back = inputGradient(arrived, weight.value, part, shape);
        place(back, gradient, index);
        back.dispose();
      }
      const made = {
        weight: weight.requiresGradient ? weightGradient(arrived, read, weight.value, shape, sinkOf(1 + index)) : null,
        bias: biases?.[index].requiresGradient
          ? biasGradient(arrived, shape, sinkOf(1 + weights.length + index))
          : null,
      };
      arrived.dispose();
      return made;
    });
    release();
    return [gradient, ...own.map(({ weight }) => weight), ...(biases ? own.map(({ bias }) => bias) : [])];
  });
}

/** A copy of one level of values that lie like the pyramid's: a binding cannot begin anywhere in a buffer. */
function levelOf({ device, batch, channels, levels }: Pyramid, values: Tensor, index: number): Pyramid {
  const part = Pyramid.empty(device, batch, channels, [levels[index]]);
  device.copy(values.range.buffer, values.offset + 4 * levels[index].offset, part.buffer, part.offset, 4 * part.size);
  return part;
}

function place(part: Pyramid, whole: Pyramid, index: number): void {
  const to = whole.offset + 4 * whole.levels[index].offset;
  whole.device.copy(part.range.buffer, part.offset, whole.buffer, to, 4 * part.size);
}

function outputsOf(
  { channels, levels }: Pyramid,
  weights: readonly Variable[],
  biases: readonly Variable[] | null,
): number {
  if (weights.length !== levels.length || (biases && biases.length !== levels.length)) {
    const own = biases ? ` and ${biases.length} biases` : '';
    throw new InputError(
      `conv2dLevels: ${weights.length} weights${own} for ${levels.length} levels; give one a level.`,
    );
  }
  const [outputs] = weights[0].value.shape;
  const wanted = [outputs, channels, 1, 1].join();
  for (const { value } of weights) {
    if (value.shape.join() === wanted) continue;
    throw new InputError(
      `conv2dLevels: a weight of shape [${value.shape}]; expected [outputs, ${channels}, 1, 1], all the same.`,
    );
  }
  for (const { value } of biases ?? []) {
    if (value.size !== outputs)
      throw new InputError(`conv2dLevels: a bias of ${value.size} elements; expected ${outputs}.`);
  }
  return outputs;
}
