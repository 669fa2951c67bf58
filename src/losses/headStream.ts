import streamSource from '../../shaders/losses/head_stream.wgsl';
import stridedSource from '../../shaders/losses/head_stream_strided.wgsl';
import type { Assignment } from '../regions/assignment.js';
import type { Grid } from '../regions/grid.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import type { HeadSetting } from './headSetting.js';

const STREAM = { name: 'head stream', source: streamSource };
const STRIDED = { name: 'head stream, strided', source: stridedSource };

/** Invocations of a workgroup, SIZE of head_stream_sum.wgsl. */
const GROUP = 64;

/** Partial losses of the pass over all class logits, and how they lie. */
export interface StreamPartials {
  /** [workgroups · 64] u32, see shaders/losses/head_stream_sum.wgsl. */
  partials: Tensor;
  /** First workgroup of each level. */
  starts: number[];
}

/** Writes the gradient of all class logits as background. */
export function streamClasses(
  setting: HeadSetting,
  logits: Maps,
  { table, counts }: Assignment,
  gradient: Tensor,
): StreamPartials {
  const { device, recipe, grid, classes, batch } = setting;
  const { beta } = recipe.classification;
  const [planes, turns] = [device.choice('stream.planes'), device.choice('stream.turns')];
  const packed = logits instanceof Pyramid && logits.levels.every(({ offset }) => offset % 4 === 0);
  const groupsOf = packed
    ? (area: number) =>
        area % 4 === 0
          ? Math.ceil(area / (4 * GROUP * turns)) * Math.ceil(classes / planes) * batch
          : Math.ceil((batch * classes * area) / (4 * GROUP * planes))
    : (area: number) => Math.ceil((batch * area) / GROUP);
  let groups = 0;
  const starts = grid.areas.map((area) => {
    const start = groups;
    groups += groupsOf(area);
    return start;
  });
  const partials = device.empty([GROUP * groups], 'u32');
  const shared = { table: table.range, counts: counts.range, partials: partials.range };
  const params = { ...classFactor(setting), classes, beta, levels: levelTable(grid, starts) };
  const constants = { BETA_IS_TWO: beta === 2 ? 1 : 0 };
  if (packed) {
    device.run({
      kernel: STREAM,
      constants: { ...constants, PLANES: planes, TURNS: turns },
      bindings: {
        ...shared,
        student: logits.range4,
        gradient: gradient.range4,
      },
      params,
      invocations: GROUP * groups,
    });
  } else {
    device.run({
      kernel: STRIDED,
      constants,
      bindings: { ...shared, student: tensorOf(logits).range, gradient: gradient.range },
      params: { ...params, student_layout: layoutTable(logits) },
      invocations: GROUP * groups,
    });
  }
  return { partials, starts };
}

/** The uniform fields that shaders/losses/head_class_factor.wgsl asks for. */
export function classFactor({ recipe, grid, batch }: HeadSetting) {
  const { weight, normaliser } = recipe.classification;
  return {
    batch,
    level_count: grid.levels.length,
    cls_weight: weight,
    cls_normaliser: ['images', 'positives', 'none'].indexOf(normaliser),
  };
}

/** The level table with the given starts of the levels in place of their strides. */
export function levelTable({ levelTable: table }: Grid, starts: readonly number[]): number[] {
  return table.map((value, i) => (i % 4 === 3 ? starts[i >> 2] : value));
}
