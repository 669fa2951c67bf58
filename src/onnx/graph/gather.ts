import { Variable } from '../../autograd/variable.js';
import { type CopyPlan, stridedCopy } from '../../ops/stridedCopy.js';
import { type Level, type LevelSize, Pyramid } from '../../tensor/pyramid.js';
import type { Region } from './regions.js';

/** A level's maps, inside a tensor with a gradient. */
export interface MapSource {
  /** Holds the maps. */
  variable: Variable;
  /** Where. */
  region: Region;
}

/** Channels that follow each other evenly in both. */
interface Run {
  from: number;
  to: number;
  count: number;
  step: number;
}

/**
 * Maps that lie anywhere in tensors as a pyramid [B, C, H, W] a level, in one copy; the gradient is one copy back.
 * @param sources one a level, finest first
 * @param channels of the regions, in the order wanted, each at most once; the gradient of the others is zero
 */
export function gatherMaps(sources: readonly MapSource[], channels: readonly number[]): Variable<Pyramid> {
  const [{ variable, region }] = sources;
  const sizes: LevelSize[] = sources.map(({ region: { extents } }) => ({ height: extents[2], width: extents[3] }));
  const pyramid = Pyramid.empty(variable.value.device, region.extents[0], channels.length, sizes);
  const copies = sources.map((source, level) => ({
    source,
    plans: copiesOf(source.region, pyramid.levels[level], channels),
  }));
  for (const { source, plans } of copies) {
    for (const plan of plans) stridedCopy('head maps', source.variable.value, pyramid, plan);
  }
  const parents = [...new Set(sources.map((source) => source.variable))];
  return Variable.from(pyramid, parents, (incoming) =>
    parents.map((parent) => {
      if (!parent.requiresGradient) return null;
      const { device, shape, size } = parent.value;
      const own = copies.filter(({ source }) => source.variable === parent);
      const covered = own.reduce(
        (
          sum,
          {
            source: {
              region: { extents },
            },
          },
        ) => sum + extents[0] * channels.length * extents[2] * extents[3],
        0,
      );
      const gradient = covered === size ? device.empty(shape) : device.zeros(shape);
      for (const { plans } of own) {
        for (const plan of plans) stridedCopy('head maps', incoming, gradient, turned(plan));
      }
      return gradient;
    }),
  );
}

/** From a region to a level of the pyramid: a copy for each run of channels. */
function copiesOf(
  { first, steps, extents }: Region,
  { offset, height, width }: Level,
  channels: readonly number[],
): Required<Pick<CopyPlan, 'walks' | 'firstIn' | 'firstOut'>>[] {
  const area = height * width;
  const inPyramid = [channels.length * area, area, width, 1];
  return runsOf(channels).map(({ from, to, count, step }) => ({
    firstIn: first + from * steps[1],
    firstOut: offset + to * area,
    walks: extents.map((extent, d) => {
      const isChannel = d === 1;
      return { extent: isChannel ? count : extent, steps: [isChannel ? step * steps[d] : steps[d], inPyramid[d]] };
    }),
  }));
}

/** The copy back. */
function turned({ walks, firstIn, firstOut }: ReturnType<typeof copiesOf>[number]): CopyPlan {
  const back = walks.map(({ extent, steps: [from, to] }) => ({ extent, steps: [to, from] }));
  return { walks: back, firstIn: firstOut, firstOut: firstIn };
}

/** As few runs as can be had from front to back. */
function runsOf(channels: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const [to, from] of channels.entries()) {
    const last = runs.at(-1);
    if (last?.count === 1) last.step = from - last.from;
    if (last && from === last.from + last.count * last.step) last.count++;
    else runs.push({ from, to, count: 1, step: 1 });
  }
  return runs;
}
