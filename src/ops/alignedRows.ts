import alignRowsSource from '../../shaders/ops/align_rows.wgsl';
import type { LevelSize } from '../tensor/pyramid.js';
import { storedKernel } from '../tensor/stored.js';
import type { Tensor } from '../tensor/tensor.js';

const ALIGN_ROWS = storedKernel({ name: 'align_rows', source: alignRowsSource });
/** vec4 that an invocation makes, as in the kernel. */
const TURNS = 4;

/** One level of aligned rows: `[planes, rows, 4 · length]`. */
export interface AlignedShape {
  rows: number;
  /** vec4 a row. */
  length: number;
}

/** Maps whose rows start at multiples of four elements and have zeros around them: kernels read four elements and test no bounds. */
export interface AlignedRows {
  tensor: Tensor;
  /** `start`: the first vec4. */
  levels: readonly (AlignedShape & { start: number })[];
  /** Gives the memory back, if the maps were copied. */
  dispose(): void;
}

/**
 * Copies the maps of all levels into aligned rows.
 * @param maps the levels one after the other, each `[planes, height, width]`
 * @param shapes of each level's copy; what the map does not fill is zero
 * @param border zeros above and to the left of the map
 */
export function alignRows(
  maps: Tensor,
  planes: number,
  sizes: readonly LevelSize[],
  shapes: readonly AlignedShape[],
  border: number,
): AlignedRows {
  const levels = placed(planes, shapes);
  let element = 0;
  let groups = 0;
  const table = sizes.flatMap(({ height, width }, index) => {
    const { start, rows, length } = levels[index];
    const count = planes * rows * length;
    const entries = [start, rows, length, count, element, height, width, 0, groups, 0, 0, 0];
    element += planes * height * width;
    groups += Math.ceil(count / TURNS);
    return entries;
  });
  const count = levels.reduce((sum, { rows, length }) => sum + planes * rows * length, 0);
  const tensor = maps.device.empty([4 * count], maps.type);
  maps.device.run({
    kernel: ALIGN_ROWS(maps),
    bindings: { maps: maps.range, aligned: tensor.range4 },
    params: { groups, level_count: levels.length, border, levels: table },
    invocations: groups,
  });
  return { tensor, levels, dispose: () => tensor.dispose() };
}

/** The maps in aligned rows without a border: the maps themselves if every width is a multiple of four, else a copy. */
export function alignedAsIs(maps: Tensor, planes: number, sizes: readonly LevelSize[]): AlignedRows {
  const shapes = sizes.map(({ height, width }) => ({ rows: height, length: Math.ceil(width / 4) }));
  if (sizes.some(({ width }) => width % 4 !== 0)) return alignRows(maps, planes, sizes, shapes, 0);
  return { tensor: maps, levels: placed(planes, shapes), dispose: () => {} };
}

function placed(planes: number, shapes: readonly AlignedShape[]): (AlignedShape & { start: number })[] {
  let start = 0;
  return shapes.map(({ rows, length }) => {
    const level = { start, rows, length };
    start += planes * rows * length;
    return level;
  });
}
