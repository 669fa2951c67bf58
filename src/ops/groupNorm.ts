import quads from '../../shaders/ops/elements_quads.wgsl';
import single from '../../shaders/ops/elements_single.wgsl';
import groupNormSource from '../../shaders/ops/group_norm.wgsl';
import byPiecesSource from '../../shaders/ops/group_norm_by_pieces.wgsl';
import gradientSource from '../../shaders/ops/group_norm_gradient.wgsl';
import gradientByPiecesSource from '../../shaders/ops/group_norm_gradient_by_pieces.wgsl';
import { emptyLike } from '../autograd/sum.js';
import { type SinkOf, Variable } from '../autograd/variable.js';
import type { Choices } from '../gpu/choices.js';
import { type KernelDefinition, MAX_WORKGROUPS } from '../gpu/launch.js';
import { type Level, Pyramid } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { sumChunkPairs } from './sumChunks.js';

/** By the choice `norm.workgroups`, each for levels whose maps are whole vec4, and for the others. */
const GROUP_NORM = {
  group: byElements('group_norm', groupNormSource),
  pieces: byElements('group_norm_by_pieces', byPiecesSource),
};
const GRADIENT = {
  group: byElements('group_norm_gradient', gradientSource),
  pieces: byElements('group_norm_gradient_by_pieces', gradientByPiecesSource),
};

/** Channels of a group that the gradient's kernel takes at once; a workgroup has no fewer lanes. */
const SLOTS = 8;

/** Elements of a piece of a map that an invocation takes at least, and the most pieces of a map. */
const PIECE_TURNS = 8;
const MAX_PIECES = 32;

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
  const { by, chunks, launches } = launchesOf(maps, groups);
  // What pieces leave for the others of their group.
  const left = by === 'pieces' ? device.empty([chunks, channels, 4]) : null;
  for (const { form, params, workgroups, constants } of launches) {
    device.run({
      kernel: GROUP_NORM[by][form](input.value),
      constants: { ...constants, RELU: relu ? 1 : 0 },
      bindings: {
        input: input.value.range4,
        scale: scale.value.range,
        shift: shift.value.range,
        output: output.range4,
        statistics: statistics.range,
        ...(left && { left: left.range4 }),
      },
      params: { ...params, epsilon },
      workgroups,
    });
  }
  left?.dispose();
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
  const { device, channels } = maps;
  const gradient = emptyLike(input);
  const { by, chunks, launches } = launchesOf(maps, groups);
  const scaleSums = device.empty([chunks, channels]);
  const shiftSums = device.empty([chunks, channels]);
  const slots = by === 'group' ? { SLOTS: channels === groups ? 1 : SLOTS } : {};
  for (const { form, params, workgroups, constants } of launches) {
    device.run({
      kernel: GRADIENT[by][form](input, incoming),
      constants: { ...constants, ...slots, RELU: relu ? 1 : 0 },
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

type Form = 'quads' | 'single';

function byElements(name: string, source: KernelDefinition['source']) {
  return {
    quads: storedKernel({ name, source: [...quads, ...source] }),
    single: storedKernel({ name: `${name}, single`, source: [...single, ...source] }),
  };
}

interface GroupNormLaunch {
  form: Form;
  constants: Record<string, number>;
  params: Record<string, number | number[]>;
  workgroups: [number, number, number];
}

interface GroupNormLaunches {
  by: Choices['norm.workgroups'];
  /** Rows of what is added up over images and levels. */
  chunks: number;
  /** For the levels whose maps are whole vec4, and for the others. */
  launches: GroupNormLaunch[];
}

function launchesOf(maps: Pyramid, groups: number): GroupNormLaunches {
  const { device, levels } = maps;
  const LANES = device.choice('reduction.workgroup');
  const by = device.choice('norm.workgroups');
  const isWhole = ({ offset, height, width }: Level) => offset % 4 === 0 && (height * width) % 4 === 0;
  const forms = (['quads', 'single'] as const).map((form) => ({
    form,
    width: form === 'quads' ? 4 : 1,
    own: levels.flatMap((level, index) => (isWhole(level) === (form === 'quads') ? [{ ...level, index }] : [])),
  }));
  const tables = by === 'group' ? byGroups(maps, groups, forms) : byPieces(maps, groups, forms, LANES);
  const launches = tables.launches.flatMap(({ form, steps, ...launch }) =>
    steps.map((step) => ({ form, constants: { LANES, ...step }, ...launch })),
  );
  return { by, chunks: tables.chunks, launches };
}

/** The levels that a kernel of `form` takes, in its Elements of `width` floats. */
interface FormLevels {
  form: Form;
  width: number;
  own: (Level & { index: number })[];
}

interface Tables {
  chunks: number;
  /** `steps`: the constants of dispatches that are one after another. */
  launches: (Omit<GroupNormLaunch, 'constants'> & { steps: Record<string, number>[] })[];
}

/** A workgroup for each image and group. */
function byGroups({ batch, channels, levels }: Pyramid, groups: number, forms: readonly FormLevels[]): Tables {
  const launches = forms.flatMap(({ form, width, own }) => {
    if (own.length === 0) return [];
    const table = own.flatMap(({ offset, height, width: columns, index }, i) => [
      ...[i * batch * groups, offset / width, (height * columns) / width, index * batch * groups],
    ]);
    const params = { channels, groups, level_count: own.length, levels: table };
    const workgroups: [number, number, number] = [own.length * batch * groups, 1, 1];
    return [{ form, steps: [{}], params, workgroups }];
  });
  return { chunks: levels.length * batch, launches };
}

/** A workgroup for each piece of a channel's map. */
function byPieces({ batch, channels }: Pyramid, groups: number, forms: readonly FormLevels[], lanes: number): Tables {
  let chunks = 0;
  const launches = forms.flatMap(({ form, width, own }) => {
    if (own.length === 0) return [];
    let count = 0;
    const table = own.flatMap(({ offset, height, width: columns, index }) => {
      const area = (height * columns) / width;
      const length = Math.ceil(area / Math.min(MAX_PIECES, Math.ceil(area / (PIECE_TURNS * lanes))));
      const pieces = Math.ceil(area / length);
      const entries = [count, offset / width, area, index * batch * groups, pieces, length, chunks, 0];
      count += batch * channels * pieces;
      chunks += batch * pieces;
      return entries;
    });
    const params = { channels, groups, count, level_count: own.length, levels: table };
    const across = Math.min(count, MAX_WORKGROUPS);
    const workgroups: [number, number, number] = [across, Math.ceil(count / across), 1];
    return [{ form, steps: [{ JOINS: 0 }, { JOINS: 1 }], params, workgroups }];
  });
  return { chunks, launches };
}
