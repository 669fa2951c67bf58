import { Variable } from '../../autograd/variable.js';
import { stridedCopy } from '../../ops/stridedCopy.js';
import { type Level, type LevelSize, Pyramid } from '../../tensor/pyramid.js';
import type { Tensor } from '../../tensor/tensor.js';
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
  const runs = runsOf(channels);
  for (const [level, source] of sources.entries()) {
    for (const run of runs) copy(source, source.variable.value, pyramid, pyramid.levels[level], run, 'forward');
  }
  const parents = [...new Set(sources.map((source) => source.variable))];
  return Variable.from(pyramid, parents, (incoming) =>
    parents.map((parent) => {
      if (!parent.requiresGradient) return null;
      const { device, shape, size } = parent.value;
      const own = [...sources.entries()].filter(([, source]) => source.variable === parent);
      const covered = own.reduce(
        (
          sum,
          [
            ,
            {
              region: { extents },
            },
          ],
        ) => sum + extents[0] * channels.length * extents[2] * extents[3],
        0,
      );
      const gradient = covered === size ? device.empty(shape) : device.zeros(shape);
      for (const [level, source] of own) {
        for (const run of runs)
          copy(source, gradient, incoming, pyramid.levels[level], run, 'backward', channels.length);
      }
      return gradient;
    }),
  );
}

function copy(
  { region }: MapSource,
  tensor: Tensor,
  pyramid: Tensor,
  { offset, height, width }: Level,
  { from, to, count, step }: Run,
  direction: 'forward' | 'backward',
  channels = (pyramid as Pyramid).channels,
): void {
  const area = height * width;
  const inSource = [region.steps[0], step * region.steps[1], region.steps[2], region.steps[3]];
  const inPyramid = [channels * area, area, width, 1];
  const extents = [region.extents[0], count, height, width];
  const first = region.first + from * region.steps[1];
  const start = offset + to * area;
  const isForward = direction === 'forward';
  const walks = extents.map((extent, d) => ({
    extent,
    steps: isForward ? [inSource[d], inPyramid[d]] : [inPyramid[d], inSource[d]],
  }));
  if (isForward) stridedCopy('head maps', tensor, pyramid, { walks, firstIn: first, firstOut: start });
  else stridedCopy('head maps', pyramid, tensor, { walks, firstIn: start, firstOut: first });
}

/** As few runs as can be had from front to back. */
function runsOf(channels: readonly number[]): Run[] {
  const runs: Run[] = [];
  for (const [to, from] of channels.entries()) {
    const last = runs.at(-1);
    if (last && last.count === 1) last.step = from - last.from;
    if (last && from === last.from + last.count * last.step) last.count++;
    else runs.push({ from, to, count: 1, step: 1 });
  }
  return runs;
}
