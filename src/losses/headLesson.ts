import { constants as kinds } from '../../shaders/losses/head_lesson.wgsl';
import { constants } from '../../shaders/losses/head_stream_sum.wgsl';
import packedSource from '../../shaders/losses/head_stream_taught.wgsl';
import stridedSource from '../../shaders/losses/head_stream_taught_strided.wgsl';
import { composedOfTwo } from '../gpu/composed.js';
import type { Assignment } from '../regions/assignment.js';
import { teacherLayout } from '../regions/teacherHead.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { classFormOf, classForms, kdConstants, streamConstants, streamKdForms } from './compose.js';
import { classParams } from './headClass.js';
import { kdAllScale } from './headKd.js';
import { type HeadSetting, teacherCellConstants, teacherCellParams } from './headSetting.js';
import { groupStarts, isPacked, levelTable, STREAM_GROUP, type StreamPartials } from './headStream.js';
import type { Recipe } from './recipe.js';

type KdForm = keyof typeof streamKdForms;

const packedKernelOf = composedOfTwo('head stream, taught', packedSource, classForms, streamKdForms);
const stridedKernelOf = composedOfTwo('head stream, taught, strided', stridedSource, classForms, streamKdForms);

/** Kinds of a location's weight in shaders/losses/head_lesson.wgsl; `none`: each counts once. */
export const LOCATION_WEIGHTS = {
  'score-difference': kinds.WEIGHT_DIFFERENCE,
  'teacher-score': kinds.WEIGHT_TEACHER,
  // The teacher's score, but of positives what `overlapWeights` has written.
  decoupled: kinds.WEIGHT_TEACHER,
  none: kinds.WEIGHTS,
};

function neededWeights({ ld, iouLd }: Recipe) {
  const used = [ld.all > 0 && ld.weights, iouLd.weight > 0 && iouLd.region === 'all' && iouLd.weights];
  return {
    difference: used.includes('score-difference'),
    teacher: used.includes('teacher-score') || used.includes('decoupled'),
  };
}

/** Whether the pass over all class logits reads the teacher's too. */
export function isTaught({ recipe }: HeadSetting): boolean {
  const { difference, teacher } = neededWeights(recipe);
  return recipe.kd.all > 0 || difference || teacher;
}

/**
 * `streamClasses` beside a teacher: also class distillation at all locations, and the weights of locations in the distillation of boxes.
 * Every logit is read once, on levels of whole quads of packed pyramids four locations at a time.
 */
export function streamLessons(
  setting: HeadSetting,
  { student, teacher }: { student: Maps; teacher: Maps },
  { table, counts }: Assignment,
  gradient: Tensor,
): StreamPartials {
  const { device, recipe, grid, classes, batch, teacher: head } = setting;
  const { classification, kd } = recipe;
  const weighs = neededWeights(recipe);
  const isWeighed = weighs.difference || weighs.teacher;
  // A weight goes over all classes; without one there are more workgroups.
  const planes = isWeighed ? classes : device.choice('stream.planes');
  const turns = isWeighed ? 1 : device.choice('stream.turns');
  const isSame = !head.isMapped && head.levels.every((level, index) => level?.level === index);
  const packed = isSame && isPacked(student) && isPacked(teacher);
  const isWhole = grid.areas.map(
    (area, level) => packed && area % 4 === 0 && (batch * grid.levelTable[4 * level]) % 4 === 0,
  );
  const { groups, starts } = groupStarts(grid, (area, level) =>
    isWhole[level]
      ? Math.ceil(area / (4 * STREAM_GROUP * turns)) * Math.ceil(classes / planes) * batch
      : Math.ceil((batch * area) / STREAM_GROUP),
  );
  const count = STREAM_GROUP * groups;
  const partials = device.empty([constants.SUMS, count], 'u32');
  const stride = 4 * Math.ceil((batch * grid.locations) / 4);
  const weights = device.empty([isWeighed ? kinds.WEIGHTS * stride : 4]);
  const kdForm: KdForm = kd.all > 0 && kd.form !== 'softmax' ? kd.form : 'none';
  const form = classFormOf(classification);
  const shared = { table: table.range, counts: counts.range, partials: partials.range };
  const scale = kdAllScale(setting);
  const params = {
    ...classParams(setting),
    kd_normaliser: scale.normaliser,
    kd_needs_positives: scale.needsPositives ? 1 : 0,
    kd_weights: scale.weights,
    kd_beta: kd.beta,
    temperature: kd.temperature,
    level_count: grid.levels.length,
    levels: levelTable(grid, starts),
    stream_count: count,
    weight_stride: stride,
    student_layout: layoutTable(student),
    teacher_layout: teacherLayout(head, teacher),
    ...teacherCellParams(setting),
  };
  const variant = {
    ...teacherCellConstants(setting),
    ...streamConstants(classification),
    ...(kdForm === 'none' ? {} : kdConstants(kd)),
    ...(kdForm === 'focal-binary' && { KD_SOFTENED: kd.temperature === 1 ? 0 : 1 }),
    WEIGHS_DIFFERENCE: weighs.difference ? 1 : 0,
    WEIGHS_TEACHER: weighs.teacher ? 1 : 0,
  };
  for (const { first, end, quads } of runs()) {
    const launch = { params: { ...params, first_group: first }, invocations: STREAM_GROUP * (end - first) };
    if (quads) {
      device.run({
        ...launch,
        kernel: packedKernelOf(form, kdForm),
        constants: { ...variant, PLANES: planes, TURNS: turns },
        bindings: {
          ...shared,
          student: tensorOf(student).range4,
          teacher: tensorOf(teacher).range4,
          gradient: gradient.range4,
          weights: weights.range4,
        },
      });
    } else {
      device.run({
        ...launch,
        kernel: stridedKernelOf(form, kdForm),
        constants: variant,
        bindings: {
          ...shared,
          student: tensorOf(student).range,
          teacher: tensorOf(teacher).range,
          gradient: gradient.range,
          weights: weights.range,
        },
      });
    }
  }
  return { partials, count, starts, weights: isWeighed ? { tensor: weights, stride } : null };

  /** Workgroups of neighbouring levels of one kind. */
  function runs() {
    const found: { first: number; end: number; quads: boolean }[] = [];
    for (const [level, quads] of isWhole.entries()) {
      const end = starts[level + 1] ?? groups;
      const before = found.at(-1);
      if (before?.quads === quads) before.end = end;
      else found.push({ first: starts[level], end, quads });
    }
    return found;
  }
}
