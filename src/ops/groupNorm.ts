import groupNormSource from '../../shaders/ops/group_norm.wgsl';
import gradientSource from '../../shaders/ops/group_norm_gradient.wgsl';
import gradientOddSource from '../../shaders/ops/group_norm_gradient_odd.wgsl';
import groupNormOddSource from '../../shaders/ops/group_norm_odd.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { type SinkOf, Variable } from '../autograd/variable.js';
import { type Level, Pyramid } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { sumChunkPairs } from './sumChunks.js';

/** For levels whose maps are whole vec4, and for the others. */
const GROUP_NORM = {
  vector: storedKernel({ name: 'group_norm', source: groupNormSource }),
  odd: storedKernel({ name: 'group_norm_odd', source: groupNormOddSource }),
};
const GRADIENT = {
  vector: storedKernel({ name: 'group_norm_gradient', source: gradientSource }),
  odd: storedKernel({ name: 'group_norm_gradient_odd', source: gradientOddSource }),
};

/** Channels of a group that the gradient's kernel takes at once; a workgroup has no fewer lanes. */
const SLOTS = 8;

/** Added to the variance; PyTorch's default. */
export const GROUP_NORM_EPSILON = 1e-5;

export interface GroupNormOptions {
  /** Number of groups; divides the channels. */
  groups: number;
  /** Whether negative outputs become 0, in the same pass. Default false. */
  relu?: boolean;
  /** Added to the variance. Default 1e-5. */
  epsilon?: number;
}

/**
 * Group normalization (Wu and He, ECCV 2018): scale[c] · (x − mean) / √(variance + ε) + shift[c], mean and (biased) variance over the channels
 * of a group and all locations, of each image and level. With `relu` negative results become 0, and the derivative at 0 is 0.
 * @param input `[B, C, H, W]` at each level
 * @param scale `[C]`
 * @param shift `[C]`
 * @throws InputError when the groups do not divide the channels or scale and shift do not have one element a channel
 */
export function groupNorm(
  input: Variable<Pyramid>,
  scale: Variable,
  shift: Variable,
  options: GroupNormOptions,
): Variable<Pyramid> {
  return normalised(input, input.value, scale, shift, options);
}

/**
 * The same of one tensor; with as many groups as channels it is instance normalization (Ulyanov et al., 2016).
 * @param input `[B, C, …]`
 * @param scale `[C]`
 * @param shift `[C]`
 * @throws InputError as `groupNorm`
 */
export function groupNormMaps(input: Variable, scale: Variable, shift: Variable, options: GroupNormOptions): Variable {
  const [batch, channels, ...map] = input.value.shape;
  const area = map.reduce((product, extent) => product * extent, 1);
  const maps = Pyramid.of(input.value, batch, channels, [{ height: 1, width: area }]);
  return normalised(input, maps, scale, shift, options);
}

function normalised<T extends Tensor>(
  input: Variable<T>,
  maps: Pyramid,
  scale: Variable,
  shift: Variable,
  { groups, relu = false, epsilon = GROUP_NORM_EPSILON }: GroupNormOptions,
): Variable<T> {
  const { device, batch, channels, levels } = maps;
  if (!(groups >= 1) || channels % groups !== 0) {
    throw new InputError(`groups: ${groups} do not divide the input's ${channels} channels.`);
  }
  for (const [name, { value }] of Object.entries({ scale, shift })) {
    if (value.size !== channels) {
      throw new InputError(`${name}: ${value.size} elements; the input has ${channels} channels.`);
    }
    // The kernels of f16 would take them for f32.
    if (value.type !== 'f32') throw new InputError(`${name}: elements of ${value.type}; expected f32.`);
  }
  const output = emptyLike(input.value);
  const statistics = device.empty([levels.length * batch * groups, 2]);
  for (const { variant, params, workgroups } of launches(maps, groups)) {
    device.run({
      kernel: GROUP_NORM[variant](input.value),
      constants: { LANES: device.choice('reduction.workgroup'), RELU: relu ? 1 : 0 },
      bindings: {
        input: input.value.range4,
        scale: scale.value.range,
        shift: shift.value.range,
        output: output.range4,
        statistics: statistics.range,
      },
      params: { ...params, epsilon },
      workgroups,
    });
  }
  const parents = [input, scale, shift];
  if (!parents.some(({ requiresGradient }) => requiresGradient)) statistics.dispose();
  return Variable.from(output, parents, (incoming, sinkOf) => {
    const gradients = gradientsOf(incoming, sinkOf, {
      input: input.value,
      maps,
      scale: scale.value,
      shift: shift.value,
      statistics,
      groups,
      relu,
    });
    statistics.dispose();
    return gradients;
  });
}

interface Normalised<T> {
  input: T;
  maps: Pyramid;
  scale: Tensor;
  shift: Tensor;
  statistics: Tensor;
  groups: number;
  relu: boolean;
}

function gradientsOf<T extends Tensor>(
  incoming: Tensor,
  sinkOf: SinkOf,
  { input, maps, scale, shift, statistics, groups, relu }: Normalised<T>,
): (Tensor | null)[] {
  const { device, batch, channels, levels } = maps;
  const gradient = emptyLike(input);
  const chunks = levels.length * batch;
  const scaleSums = device.empty([chunks, channels]);
  const shiftSums = device.empty([chunks, channels]);
  const slots = channels === groups ? 1 : SLOTS;
  for (const { variant, params, workgroups } of launches(maps, groups)) {
    device.run({
      kernel: GRADIENT[variant](input, incoming),
      constants: { LANES: device.choice('reduction.workgroup'), SLOTS: slots, RELU: relu ? 1 : 0 },
      bindings: {
        input: input.range4,
        incoming: incoming.range4,
        scale: scale.range,
        statistics: statistics.range,
        gradient: gradient.range4,
        scale_sums: scaleSums.range,
        shift_sums: shiftSums.range,
        shift: shift.range,
      },
      params,
      workgroups,
    });
  }
  const affine = sumChunkPairs([scaleSums, shiftSums], chunks, [channels], [sinkOf(1), sinkOf(2)]);
  scaleSums.dispose();
  shiftSums.dispose();
  return [gradient, ...affine];
}

interface GroupNormLaunch {
  variant: 'vector' | 'odd';
  params: Record<string, number | number[]>;
  workgroups: [number, number, number];
}

/** A launch for the levels whose maps are whole vec4 and one for the others, each a workgroup for an image and group. */
function launches({ batch, channels, levels }: Pyramid, groups: number): GroupNormLaunch[] {
  const whole = ({ offset, height, width }: Level) => offset % 4 === 0 && (height * width) % 4 === 0;
  return (['vector', 'odd'] as const).flatMap((variant) => {
    const width = variant === 'vector' ? 4 : 1;
    const table: number[] = [];
    let workgroups = 0;
    levels.forEach((level, index) => {
      if (whole(level) !== (variant === 'vector')) return;
      table.push(workgroups, level.offset / width, (level.height * level.width) / width, index * batch * groups);
      workgroups += batch * groups;
    });
    if (workgroups === 0) return [];
    const params = { channels, groups, level_count: table.length / 4, levels: table };
    return [{ variant, params, workgroups: [workgroups, 1, 1] as [number, number, number] }];
  });
}
