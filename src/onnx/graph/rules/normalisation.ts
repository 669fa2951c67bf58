import type { Variable } from '../../../autograd/variable.js';
import { addBroadcast, multiply, subtract } from '../../../ops/binary.js';
import { groupNormMaps } from '../../../ops/groupNorm.js';
import { layerNorm } from '../../../ops/layerNorm.js';
import { reshape } from '../../../ops/layout.js';
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
    const options = { groups: shape[1], epsilon };
    return {
      ...single(shape, [0, 1, 2], (x, scale, shift) => groupNormMaps(x, scale, shift, options)),
      traits: { epsilon },
    };
  },
  LayerNormalization: (view) => {
    const epsilon = view.number('epsilon', 1e-5);
    view.only('stash_type', 1);
    if (view.node.outputs.filter((name) => name !== '').length > 1) throw new NodeFault('its statistics as outputs');
    const shape = view.shape(0);
    const length = sizeOfShape(shape.slice(view.axis(view.number('axis', -1))));
    if ([1, 2].some((input) => view.has(input) && sizeOfShape(view.shape(input)) !== length)) {
      throw new NodeFault(`scale and shift have not ${length} elements each`);
    }
    return single(shape, view.has(2) ? [0, 1, 2] : [0, 1], (x, scale, shift) =>
      layerNorm(x, scale, shift ?? null, epsilon),
    );
  },
  GroupNormalization: (view) => {
    const epsilon = view.number('epsilon', 1e-5);
    view.only('stash_type', 1);
    const shape = view.shape(0);
    const channels = shape[1];
    const groups = view.number('num_groups', 1);
    if (channels % groups !== 0) throw new NodeFault(`${groups} groups of ${channels} channels`);
    // Up to opset 20 scale and shift are those of groups: each is repeated for the group's channels.
    const isOfChannels = sizeOfShape(view.shape(1)) === channels;
    const members = hostTensor('float', [1, channels / groups], new Float32Array(channels / groups).fill(1));
    const ofChannels = (x: Variable, ones: Variable) =>
      isOfChannels ? x : reshape(multiply(reshape(x, [groups, 1]), ones), [channels]);
    return single(shape, [0, 1, 2, members], (x, scale, shift, ones) =>
      groupNormMaps(x, ofChannels(scale, ones), ofChannels(shift, ones), { groups, epsilon }),
    );
  },
};
