import everySecondSource from '../../shaders/ops/every_second.wgsl';
import { emptyLike, emptyMaps } from '../autograd/sum.js';
import { Variable } from '../autograd/variable.js';
import type { LevelSize, Pyramid } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';

const EVERY_SECOND = storedKernel({ name: 'every_second', source: everySecondSource });
/** Elements that an invocation makes, as in the kernel. */
const TURNS = 8;

/** Every second row and column of each map, from the first on: `[B, C, H, W]` → `[B, C, ceil(H / 2), ceil(W / 2)]`. */
export function everySecond(input: Variable<Pyramid>): Variable<Pyramid> {
  const { channels, levels } = input.value;
  const sizes = levels.map(({ height, width }) => ({ height: Math.ceil(height / 2), width: Math.ceil(width / 2) }));
  const output = emptyMaps(input.value, channels, sizes);
  move(input.value, levels, output, false);
  return Variable.from(output, [input], (incoming) => {
    const gradient = emptyLike(input.value);
    move(incoming, sizes, gradient, true);
    return [gradient];
  });
}

function move(maps: Tensor, sizes: readonly LevelSize[], result: Pyramid, spread: boolean): void {
  const planes = result.batch * result.channels;
  let element = 0;
  let groups = 0;
  const table = sizes.flatMap(({ height, width }, index) => {
    const to = result.levels[index];
    const count = planes * to.height * to.width;
    const entries = [to.offset, to.height, to.width, groups, element, height, width, count];
    element += planes * height * width;
    groups += Math.ceil(count / TURNS);
    return entries;
  });
  result.device.run({
    kernel: EVERY_SECOND(maps, result),
    constants: { SPREAD: spread ? 1 : 0 },
    bindings: { maps: maps.range, result: result.range },
    params: { groups, level_count: sizes.length, levels: table },
    invocations: groups,
  });
}
