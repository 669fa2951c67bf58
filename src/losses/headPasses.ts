import boxSource from '../../shaders/losses/head_box.wgsl';
import boxStridedSource from '../../shaders/losses/head_box_strided.wgsl';
import classSource from '../../shaders/losses/head_class.wgsl';
import termsSource from '../../shaders/losses/head_terms.wgsl';
import type { Truth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import { type HeadSetting, type ListSizes, mostPositives, mostRows, type RegionLists, slotsOf } from './headLists.js';
import { classFactor, levelTable, type StreamPartials } from './headStream.js';
import type { Recipe } from './recipe.js';

const CLASS = { name: 'head class', source: classSource };
const BOX = { name: 'head box', source: boxSource };
const BOX_STRIDED = { name: 'head box, strided', source: boxStridedSource };
const TERMS = { name: 'head terms', source: termsSource };

/** Rows of a workgroup and entries that it writes, see head_partials.wgsl. */
export const GROUP = 64;
const PARTIALS = 32;
/** Words that head_box.wgsl writes a row and a quad. */
export const BOX_WORDS = { row: 5, quad: 2 };
/** Which entries of the lists a pass goes over: COUNT_POSITIVES or COUNT_ROWS of head_row.wgsl. */
export const POSITIVES = 0;
export const ALL_ROWS = 1;

/**
 * The listed rows' class losses, scores and their partials.
 * @param box the student's box logits, or the positives' expected edges where these are known
 */
export function classRows(
  setting: HeadSetting,
  truth: Truth,
  { student, teacher, box }: { student: Maps; teacher: Maps; box: Maps | { expected: Tensor } },
  { rows, counts, sizes }: RegionLists,
  gradient: Tensor,
): Tensor {
  const { device, recipe, classes } = setting;
  const { kd } = recipe;
  const scored = scoredRows(recipe) === POSITIVES ? mostPositives(setting, truth) : Number.POSITIVE_INFINITY;
  const groups = Math.ceil(Math.min(scored, mostRows(setting, truth, sizes)) / GROUP);
  const partials = device.empty([Math.max(1, groups), PARTIALS, 2], 'u32');
  const expected = 'expected' in box;
  device.run({
    kernel: CLASS,
    constants: { ...boxConstants(setting), EXPECTED: expected ? 1 : 0 },
    bindings: {
      student: tensorOf(student).range,
      teacher: tensorOf(teacher).range,
      box_logits: (expected ? box.expected : tensorOf(box)).range,
      truth: truth.boxes.range4,
      counts: counts.range,
      rows: rows.range,
      gradient: gradient.range,
      partials: partials.range,
    },
    params: {
      ...classFactor(setting),
      ...rowParams(setting, sizes),
      classes,
      which: scoredRows(recipe),
      beta: recipe.classification.beta,
      temperature: kd.temperature,
      binary: kd.form === 'binary' ? 1 : 0,
      kd_weight: kd.main,
      kd_vlr_weight: kd.vlr,
      kd_normaliser: ['level', 'region', 'none'].indexOf(kd.normaliser),
      student_layout: layoutTable(student),
      teacher_layout: layoutTable(teacher),
      box_layout: expected ? [] : layoutTable(box),
    },
    workgroups: workgroupsOf(device, groups),
  });
  return partials;
}

export interface BoxPartials {
  /** u32: five a row and two a quad, see shaders/losses/head_box.wgsl. */
  partials: Tensor;
  /** Rows that it holds: POSITIVES or ALL_ROWS. */
  which: number;
  /** Element of the first quad. */
  quadStart: number;
}

/** The box losses of listed rows and quads and their partials. */
export function boxRows(
  setting: HeadSetting,
  truth: Truth,
  { student, teacher }: { student: Maps; teacher: Maps },
  { rows, counts, sizes }: RegionLists,
  { gradient, classPartials }: { gradient: Tensor; classPartials: Tensor },
): BoxPartials {
  const { device, recipe, batch } = setting;
  const most = { rows: mostRows(setting, truth, sizes), quads: batch * sizes.quads };
  const groups = Math.ceil(Math.max(most.rows, most.quads) / GROUP);
  const quadStart = BOX_WORDS.row * most.rows;
  const range = sizes.packed ? 'range4' : 'range';
  const partials = device.empty([quadStart + BOX_WORDS.quad * most.quads], 'u32');
  device.run({
    kernel: sizes.packed ? BOX : BOX_STRIDED,
    constants: { ...boxConstants(setting), CIOU: recipe.box.form === 'ciou' ? 1 : 0 },
    bindings: {
      student: tensorOf(student)[range],
      teacher: tensorOf(teacher)[range],
      truth: truth.boxes.range4,
      counts: counts.range,
      rows: rows.range,
      class_partials: classPartials.range,
      gradient: gradient[range],
      partials: partials.range,
    },
    params: {
      ...boxParams(setting, sizes),
      image_rows: sizes.rows,
      quad_partials: quadStart,
      student_layout: layoutTable(student),
      teacher_layout: layoutTable(teacher),
    },
    workgroups: workgroupsOf(device, groups),
  });
  return { partials, which: ALL_ROWS, quadStart };
}

/** Adds all partials: terms [8, levels], faults [8, levels] (~location of the first bad one, 0 without), total [1]. */
export function addTerms(
  { device, recipe, grid, batch }: HeadSetting,
  counts: Tensor,
  stream: StreamPartials,
  { classPartials, box, imitation }: { classPartials: Tensor; box: BoxPartials; imitation: Tensor | null },
): { terms: Tensor; faults: Tensor; total: Tensor } {
  const levels = grid.levels.length;
  const terms = device.empty([8, levels]);
  const faults = device.empty([8, levels], 'u32');
  const total = device.empty([1]);
  device.run({
    kernel: TERMS,
    bindings: {
      counts: counts.range,
      stream: stream.partials.range,
      class_partials: classPartials.range,
      box_partials: box.partials.range,
      imitation: (imitation ?? counts).range,
      terms: terms.range,
      faults: faults.range,
      total: total.range,
    },
    params: {
      batch,
      level_count: levels,
      scored: scoredRows(recipe),
      stream_count: stream.partials.size,
      box_rows: box.which,
      quad_partials: box.quadStart,
      imitates: imitation ? 1 : 0,
      levels: levelTable(
        grid,
        stream.starts.map((start) => GROUP * start),
      ),
    },
    workgroups: [1, 1, 1],
  });
  return { terms, faults, total };
}

/** The class pass goes over the positives, over all rows where classes are distilled in the VLR too. */
function scoredRows({ kd }: Recipe): number {
  return kd.vlr > 0 ? ALL_ROWS : POSITIVES;
}

function rowParams({ recipe, grid, batch }: HeadSetting, sizes: ListSizes) {
  return {
    batch,
    level_count: grid.levels.length,
    image_slots: slotsOf(sizes),
    centre_offset: recipe.regions.centreOffset,
    anchor: recipe.regions.octaveScale,
    levels: grid.levelTable,
  };
}

/** The uniform fields that shaders/losses/head_box_losses.wgsl asks for. */
export function boxParams(setting: HeadSetting, sizes: ListSizes) {
  const { box, dfl, ld } = setting.recipe;
  return {
    ...rowParams(setting, sizes),
    scored: scoredRows(setting.recipe),
    temperature: ld.temperature,
    margin: dfl.margin,
    box_normaliser: ['weights', 'positives', 'none'].indexOf(box.normaliser),
    ld_normaliser: ['reference', 'weights', 'none'].indexOf(ld.normaliser),
    box_weight: box.weight,
    bounded_weight: box.bounded,
    dfl_weight: dfl.weight,
    ld_weight: ld.main,
    ld_vlr_weight: ld.vlr,
  };
}

/**
 * Workgroups that share out so many groups of 64 rows, of which usually few exist: they take one after another. A processor runs
 * through a workgroup without rows all the same, its lanes masked.
 */
export function workgroupsOf(device: Device, groups: number): [number, number, number] {
  return [Math.min(groups, device.choice('rows.workgroups')), 1, 1];
}

export function boxConstants({ recipe, bins }: HeadSetting) {
  return { BINS: bins, OFFSET_BOX: recipe.box.parameters === 'offset' ? 1 : 0 };
}
