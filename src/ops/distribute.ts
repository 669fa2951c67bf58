import { emptyLike } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import { axisOf, replaced, stepsOf, turned, type Walk } from './dimensions.js';
import { storedAlike } from './storedAlike.js';
import { stridedCopy, stridedFill } from './stridedCopy.js';

/** The elements of one input that go to one output. */
interface Route {
  from: number;
  to: number;
  /** With steps in the input and in the output. */
  walks: readonly Walk[];
  firstIn: number;
  firstOut: number;
}

/**
 * A tensor cut into parts along an axis. Its gradient is written once, part by part.
 * @param sizes of the parts along the axis, which they fill
 * @param axis −1 is the last
 * @returns the parts in order
 * @throws InputError when the sizes do not add up to the axis
 */
export function split(x: Variable, sizes: readonly number[], axis: number): Variable[] {
  const { shape } = x.value;
  const along = axisOf('axis', axis, shape.length);
  assertParts('sizes', sizes, shape[along]);
  const from = stepsOf(shape);
  let start = 0;
  const routes = sizes.map((size, to) => {
    const part = replaced(shape, along, size);
    const own = stepsOf(part);
    const firstIn = start * from[along];
    start += size;
    const walks = part.map((extent, d) => ({ extent, steps: [from[d], own[d]] }));
    return { from: 0, to, walks, firstIn, firstOut: 0 };
  });
  return distributed(
    'split',
    [x],
    sizes.map((size) => replaced(shape, along, size)),
    routes,
  );
}

/**
 * Channel shuffle (Zhang et al., 2018) of maps joined and cut, in one copy each way: the channels of all inputs, one after another, are
 * taken as `[groups, C / groups]`, transposed, and cut into parts.
 * @param xs one input a group, each `[B, C / groups, …]`
 * @param sizes channels of the parts
 * @returns the parts, `[B, size, …]`
 * @throws InputError when the inputs' shapes differ, or the sizes do not add up to their channels
 */
export function channelShuffle(xs: readonly Variable[], sizes: readonly number[]): Variable[] {
  const groups = xs.length;
  if (groups === 0) throw new InputError('xs: none; expected a tensor for each group.');
  const { shape } = xs[0].value;
  const differs = xs.findIndex(({ value }) => value.shape.join() !== shape.join());
  if (differs > 0 || shape.length < 2) {
    throw new InputError(
      `xs[${Math.max(0, differs)}]: shape [${xs[Math.max(0, differs)].value.shape}]; expected [batch, channels, …], that of xs[0].`,
    );
  }
  const [batch, channels, ...map] = shape;
  assertParts('sizes', sizes, groups * channels);
  const area = map.reduce((product, extent) => product * extent, 1);
  let start = 0;
  const routes = sizes.flatMap((size, to) => {
    const first = start;
    start += size;
    return xs.flatMap((_, from): Route[] => {
      // Channel c of the whole is channel ⌊c / groups⌋ of input c mod groups.
      const offset = (from - (first % groups) + groups) % groups;
      const extent = Math.ceil((size - offset) / groups);
      if (extent < 1) return [];
      const walks = [
        { extent: batch, steps: [channels * area, size * area] },
        { extent, steps: [area, groups * area] },
        { extent: area, steps: [1, 1] },
      ];
      const firstIn = ((first + offset - from) / groups) * area;
      return [{ from, to, walks, firstIn, firstOut: offset * area }];
    });
  });
  const shapes = sizes.map((size) => [batch, size, ...map]);
  return storedAlike(xs, (alike) => distributed('channelShuffle', alike, shapes, routes));
}

/** Outputs of which each element is one of an input's, and the other way round. Those that no gradient comes to get zeros for theirs. */
function distributed(
  name: string,
  xs: readonly Variable[],
  shapes: readonly (readonly number[])[],
  routes: readonly Route[],
): Variable[] {
  const { device, type } = xs[0].value;
  const outputs = shapes.map((shape) => device.empty(shape, type));
  for (const { from, to, walks, ...first } of routes)
    stridedCopy(name, xs[from].value, outputs[to], { walks, ...first });

  // All outputs have one parent, whose turn comes after theirs: they write into what it hands on.
  const gradients: (Tensor | null)[] = xs.map(() => null);
  const arrived = new Set<number>();
  const fill = (incoming: Tensor | null, output: number) => {
    for (const { from, to, walks, firstIn, firstOut } of routes) {
      const gradient = gradients[from];
      if (to !== output || !gradient) continue;
      if (incoming) {
        stridedCopy(name, incoming, gradient, { walks: walks.map(turned), firstIn: firstOut, firstOut: firstIn });
      } else {
        stridedFill(name, gradient, 0, { walks: walks.map(turned), firstOut: firstIn });
      }
    }
  };
  const token = xs[0].value.view([Math.min(1, xs[0].value.size)]);
  const hub = Variable.from(token, xs, () => {
    for (const output of outputs.keys()) if (!arrived.has(output)) fill(null, output);
    return gradients;
  });
  return outputs.map((value, output) =>
    Variable.from(value, [hub], (incoming) => {
      const isFirst = arrived.size === 0;
      if (isFirst) {
        for (const [i, { requiresGradient, value }] of xs.entries()) {
          if (requiresGradient) gradients[i] = emptyLike(value);
        }
      }
      arrived.add(output);
      fill(incoming, output);
      return [isFirst ? token : null];
    }),
  );
}

function assertParts(name: string, sizes: readonly number[], extent: number): void {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.length > 0 && total === extent && sizes.every((size) => Number.isSafeInteger(size) && size >= 1)) return;
  throw new InputError(`${name}: [${sizes}]; expected whole numbers of at least 1 whose sum is ${extent}.`);
}
