import streamSource from '../../shaders/losses/head_stream.wgsl';
import stridedSource from '../../shaders/losses/head_stream_strided.wgsl';
import { constants } from '../../shaders/losses/head_stream_sum.wgsl';
import { composed } from '../gpu/composed.js';
import type { Assignment } from '../regions/assignment.js';
import type { Grid } from '../regions/grid.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { classFormOf, classForms, streamConstants } from './compose.js';
import { classParams } from './headClass.js';
import type { HeadSetting } from './headSetting.js';

const packedKernelOf = composed('head stream', streamSource, classForms);
const stridedKernelOf = composed('head stream, strided', stridedSource, classForms);

/** Invocations of a workgroup. */
export const STREAM_GROUP = constants.SIZE;

/** Partial sums of the pass over all class logits, and how they lie. */
export interface StreamPartials {
  /** Kinds of [workgroups · 64] u32, see shaders/losses/head_stream_sum.wgsl: the class loss, or all kinds. */
  partials: Tensor;
  /** Invocations, 64 × workgroups. */
  count: number;
  /** First workgroup of each level. */
  starts: number[];
  /** What locations weigh in the distillation of boxes; null where the recipe does not weigh them. */
  weights: LocationWeights | null;
}

/** f32, kind after kind, see shaders/losses/head_lesson.wgsl. */
interface LocationWeights {
  tensor: Tensor;
  /** Words from one kind to the next. */
  stride: number;
}

/** Whether vec4s of four neighbouring locations can be read. */
export function isPacked(logits: Maps): logits is Pyramid {
  return logits instanceof Pyramid && logits.levels.every(({ offset }) => offset % 4 === 0);
}

/** Workgroups one after another, level by level. */
export function groupStarts({ areas }: Grid, groupsOf: (area: number, level: number) => number) {
  let groups = 0;
  const starts = areas.map((area, level) => {
    const start = groups;
    groups += groupsOf(area, level);
    return start;
  });
  return { groups, starts };
}

/** Writes the class loss and gradient of all class logits as background. */
export function streamClasses(
  setting: HeadSetting,
  logits: Maps,
  { table, counts }: Assignment,
  gradient: Tensor,
): StreamPartials {
  const { device, recipe, grid, classes, batch } = setting;
  const [planes, turns] = [device.choice('stream.planes'), device.choice('stream.turns')];
  const packed = isPacked(logits);
  const { groups, starts } = groupStarts(
    grid,
    packed
      ? (area) =>
          area % 4 === 0
            ? Math.ceil(area / (4 * STREAM_GROUP * turns)) * Math.ceil(classes / planes) * batch
            : Math.ceil((batch * classes * area) / (4 * STREAM_GROUP * planes))
      : (area) => Math.ceil((batch * area) / STREAM_GROUP),
  );
  const count = STREAM_GROUP * groups;
  const partials = device.empty([count], 'u32');
  const shared = { table: table.range, counts: counts.range, partials: partials.range };
  const params = { ...classParams(setting), level_count: grid.levels.length, levels: levelTable(grid, starts) };
  const form = classFormOf(recipe.classification);
  const constants = streamConstants(recipe.classification);
  if (packed) {
    device.run({
      kernel: packedKernelOf(form),
      constants: { ...constants, PLANES: planes, TURNS: turns },
      bindings: {
        ...shared,
        student: logits.range4,
        gradient: gradient.range4,
      },
      params,
      invocations: count,
    });
  } else {
    device.run({
      kernel: stridedKernelOf(form),
      constants,
      bindings: { ...shared, student: tensorOf(logits).range, gradient: gradient.range },
      params: { ...params, student_layout: layoutTable(logits) },
      invocations: count,
    });
  }
  return { partials, count, starts, weights: null };
}

/** The level table with other starts in place of the strides. */
export function levelTable({ levelTable: table }: Grid, starts: readonly number[]): number[] {
  return table.map((value, i) => (i % 4 === 3 ? starts[i >> 2] : value));
}
