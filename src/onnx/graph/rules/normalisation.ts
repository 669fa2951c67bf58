import type { Variable } from '../../../autograd/variable.js';
import { addBroadcast, divide, multiply, subtract } from '../../../ops/binary.js';
import { reshape } from '../../../ops/layout.js';
import { reduceMean } from '../../../ops/pooling.js';
import { sqrt } from '../../../ops/unary.js';
import { hostTensor, sizeOfShape } from '../host.js';
import { NodeFault, type Rule, single } from '../nodeView.js';

/** Normalisations, with the statistics of what comes in; those of a batch norm are the file's. */
export const NORMALISATION: Record<string, Rule> = {
  BatchNormalization: (view) => {
    const epsilon = view.number('epsilon', 1e-5);
    view.ignore('momentum');
    view.only('training_mode', 0);
    view.only('spatial', 1);
    if (view.node.outputs.filter((name) => name !== '').length > 1) throw new NodeFault('its statistics as outputs');
    const shape = view.shape(0);
    const channels = shape[1];
    const [mean, variance] = [view.numbers(3), view.numbers(4)];
    // y = x · s + t with s = scale / √(variance + ε) and t = shift − mean · s: of all the maps only one product and one sum.
    const inverse = hostTensor(
      'float',
      [channels],
      variance.map((one) => 1 / Math.sqrt(one + epsilon)),
    );
    const across = [channels, ...shape.slice(2).map(() => 1)];
    return single(
      shape,
      [0, 1, 2, inverse, hostTensor('float', [channels], mean)],
      (x, scale, shift, inverted, means) => {
        const factor = multiply(scale, inverted);
        const addend = subtract(shift, multiply(means, factor));
        return addBroadcast(multiply(x, reshape(factor, across)), reshape(addend, across));
      },
    );
  },
  InstanceNormalization: (view) => {
    const epsilon = view.number('epsilon', 1e-5);
    const shape = view.shape(0);
    const axes = shape.map((_, axis) => axis).slice(2);
    const across = [shape[1], ...axes.map(() => 1)];
    return single(shape, [0, 1, 2, hostTensor('float', [], [epsilon])], (x, scale, shift, small) =>
      affine(normalised(x, axes, small), reshape(scale, across), reshape(shift, across)),
    );
  },
  LayerNormalization: (view) => {
    const epsilon = view.number('epsilon', 1e-5);
    view.only('stash_type', 1);
    if (view.node.outputs.filter((name) => name !== '').length > 1) throw new NodeFault('its statistics as outputs');
    const shape = view.shape(0);
    const first = view.axis(view.number('axis', -1));
    const axes = shape.map((_, axis) => axis).slice(first);
    const operands = [0, 1, ...(view.has(2) ? [2] : []), hostTensor('float', [], [epsilon])];
    return single(shape, operands, (x, scale, ...rest) => {
      const [shift, small] = rest.length > 1 ? rest : [null, rest[0]];
      return affine(normalised(x, axes, small), scale, shift);
    });
  },
  GroupNormalization: (view) => {
    const epsilon = view.number('epsilon', 1e-5);
    view.only('stash_type', 1);
    const shape = view.shape(0);
    const channels = shape[1];
    const groups = view.number('num_groups', 1);
    if (channels % groups !== 0) throw new NodeFault(`${groups} groups of ${channels} channels`);
    const grouped = [shape[0], groups, sizeOfShape(shape) / shape[0] / groups];
    // Up to opset 20 scale and shift are those of groups.
    const isOfChannels = sizeOfShape(view.shape(1)) === channels;
    const across = isOfChannels ? [channels, ...shape.slice(2).map(() => 1)] : [groups, 1];
    return single(shape, [0, 1, 2, hostTensor('float', [], [epsilon])], (x, scale, shift, small) => {
      const normal = normalised(reshape(x, grouped), [2], small);
      const [factor, addend] = [reshape(scale, across), reshape(shift, across)];
      return isOfChannels
        ? affine(reshape(normal, shape), factor, addend)
        : reshape(affine(normal, factor, addend), shape);
    });
  },
};

/** (x − mean) / √(variance + ε) over some axes, the variance biased. */
function normalised(x: Variable, axes: readonly number[], epsilon: Variable): Variable {
  const centred = subtract(x, reduceMean(x, axes, true));
  const variance = reduceMean(multiply(centred, centred), axes, true);
  return divide(centred, sqrt(addBroadcast(variance, epsilon)));
}

function affine(x: Variable, scale: Variable, shift: Variable | null): Variable {
  const scaled = multiply(x, scale);
  return shift ? addBroadcast(scaled, shift) : scaled;
}
