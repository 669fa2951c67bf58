import forwardSource from '../../shaders/ops/group_norm.wgsl';
import inputGradientSource from '../../shaders/ops/group_norm_input_gradient.wgsl';
import parameterGradientSource from '../../shaders/ops/group_norm_parameter_gradient.wgsl';
import statisticsSource from '../../shaders/ops/group_norm_statistics.wgsl';
import sumsSource from '../../shaders/ops/group_norm_sums.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import { InputError } from '../gpu/error.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';

const STATISTICS = { name: 'group_norm_statistics', source: statisticsSource };
const FORWARD = { name: 'group_norm', source: forwardSource };
const SUMS = { name: 'group_norm_sums', source: sumsSource };
const INPUT_GRADIENT = { name: 'group_norm_input_gradient', source: inputGradientSource };
const PARAMETER_GRADIENT = { name: 'group_norm_parameter_gradient', source: parameterGradientSource };

/** Added to the variance; PyTorch's default. */
const EPSILON = 1e-5;

/**
 * Group normalisation (Wu and He, ECCV 2018): each image, level and group of channels to mean 0 and deviation 1, then each
 * channel × scale + shift.
 * @param scale [C]
 * @param shift [C]
 * @throws InputError when scale or shift do not fit, or a group is not a multiple of four channels (the kernels' width)
 */
export function groupNorm(
  input: Variable<Pyramid>,
  scale: Variable,
  shift: Variable,
  { groups }: { groups: number },
): Variable<Pyramid> {
  const { value } = input;
  const { device, batch, channels, levels, levelTable } = value;
  if (!Number.isInteger(groups) || groups < 1 || channels % (4 * groups) !== 0) {
    throw new InputError(
      `groups: ${groups} of ${channels} channels; each group needs the same multiple of four channels.`,
    );
  }
  for (const [name, { value: parameter }] of Object.entries({ scale, shift })) {
    if (parameter.size !== channels) {
      throw new InputError(`${name}: ${parameter.size} elements for ${channels} channels; give one a channel.`);
    }
  }
  const params = { batch, channels, groups, levels: levelTable };
  const workgroups: [number, number, number] = [batch * groups, levels.length, 1];
  const statistics = device.empty([levels.length, batch, groups, 2]);
  device.run({
    kernel: STATISTICS,
    bindings: { input: value.range4, statistics: statistics.range },
    params: { ...params, epsilon: EPSILON },
    workgroups,
  });
  const output = emptyLike(value);
  device.run({
    kernel: FORWARD,
    bindings: {
      input: value.range4,
      statistics: statistics.range,
      scale: scale.value.range,
      shift: shift.value.range,
      output: output.range4,
    },
    params,
    workgroups,
  });
  const result = Variable.from(output, [input, scale, shift], (incoming) => {
    const sums = device.empty([levels.length, batch, channels, 2]);
    device.run({
      kernel: SUMS,
      bindings: {
        input: value.range,
        incoming: incoming.range,
        statistics: statistics.range,
        sums: sums.range,
      },
      params,
      workgroups: [batch * channels, levels.length, 1],
    });
    const gradients = [
      input.requiresGradient ? inputGradient(value, incoming, { statistics, sums, scale: scale.value, groups }) : null,
      ...(scale.requiresGradient || shift.requiresGradient ? parameterGradients(sums, channels) : [null, null]),
    ];
    sums.dispose();
    statistics.dispose();
    return gradients;
  });
  if (result.isLeaf) statistics.dispose();
  return result;
}

function inputGradient(
  input: Pyramid,
  incoming: Tensor,
  { statistics, sums, scale, groups }: { statistics: Tensor; sums: Tensor; scale: Tensor; groups: number },
): Tensor {
  const { device, batch, channels, levels, levelTable } = input;
  const gradient = emptyLike(input);
  device.run({
    kernel: INPUT_GRADIENT,
    bindings: {
      input: input.range4,
      incoming: incoming.range4,
      statistics: statistics.range,
      sums: sums.range,
      scale: scale.range,
      gradient: gradient.range4,
    },
    params: { batch, channels, groups, levels: levelTable },
    workgroups: [batch * groups, levels.length, 1],
  });
  return gradient;
}

/** [scale gradient, shift gradient] */
function parameterGradients(sums: Tensor, channels: number): [Tensor, Tensor] {
  const { device } = sums;
  const scale = device.empty([channels]);
  const shift = device.empty([channels]);
  device.run({
    kernel: PARAMETER_GRADIENT,
    bindings: { sums: sums.range, scale_gradient: scale.range, shift_gradient: shift.range },
    params: { channels, rows: sums.size / 2 / channels },
    invocations: channels,
  });
  return [scale, shift];
}
