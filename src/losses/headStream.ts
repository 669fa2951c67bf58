import streamSource from '../../shaders/losses/head_stream.wgsl';
import stridedSource from '../../shaders/losses/head_stream_strided.wgsl';
import { constants } from '../../shaders/losses/head_stream_sum.wgsl';
import type { Assignment } from '../regions/assignment.js';
import type { Grid } from '../regions/grid.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { classForms, composed, streamConstants } from './compose.js';
import { classParams } from './headClass.js';
import type { HeadSetting } from './headSetting.js';

const packedKernelOf = composed('head stream', streamSource, classForms);
const stridedKernelOf = composed('head stream, strided', stridedSource, classForms);

/** Invocations of a workgroup. */
export const STREAM_GROUP = constants.SIZE;

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
  const [planes, turns] = [device.choice('stream.planes'), device.choice('stream.turns')];
  const packed = logits instanceof Pyramid && logits.levels.every(({ offset }) => offset % 4 === 0);
  const groupsOf = packed
    ? (area: number) =>
        area % 4 === 0
          ? Math.ceil(area / (4 * STREAM_GROUP * turns)) * Math.ceil(classes / planes) * batch
          : Math.ceil((batch * classes * area) / (4 * STREAM_GROUP * planes))
    : (area: number) => Math.ceil((batch * area) / STREAM_GROUP);
  let groups = 0;
  const starts = grid.areas.map((area) => {
    const start = groups;
    groups += groupsOf(area);
    return start;
  });
  const partials = device.empty([STREAM_GROUP * groups], 'u32');
  const shared = { table: table.range, counts: counts.range, partials: partials.range };
  const params = { ...classParams(setting), level_count: grid.levels.length, levels: levelTable(grid, starts) };
  const constants = streamConstants(recipe.classification);
  if (packed) {
    device.run({
      kernel: packedKernelOf(recipe.classification.loss),
      constants: { ...constants, PLANES: planes, TURNS: turns },
      bindings: {
        ...shared,
        student: logits.range4,
        gradient: gradient.range4,
      },
      params,
      invocations: STREAM_GROUP * groups,
    });
  } else {
    device.run({
      kernel: stridedKernelOf(recipe.classification.loss),
      constants,
      bindings: { ...shared, student: tensorOf(logits).range, gradient: gradient.range },
      params: { ...params, student_layout: layoutTable(logits) },
      invocations: STREAM_GROUP * groups,
    });
  }
  return { partials, starts };
}

/** The level table with the given starts of the levels in place of their strides. */
export function levelTable({ levelTable: table }: Grid, starts: readonly number[]): number[] {
  return table.map((value, i) => (i % 4 === 3 ? starts[i >> 2] : value));
}
