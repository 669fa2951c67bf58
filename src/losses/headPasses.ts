import boxSource from '../../shaders/losses/head_box.wgsl';
import boxStridedSource from '../../shaders/losses/head_box_strided.wgsl';
import classSource from '../../shaders/losses/head_class.wgsl';
import regionsSource from '../../shaders/losses/head_regions.wgsl';
import streamSource from '../../shaders/losses/head_stream.wgsl';
import stridedSource from '../../shaders/losses/head_stream_strided.wgsl';
import termsSource from '../../shaders/losses/head_terms.wgsl';
import { atssCandidates, markLabels } from '../regions/atss.js';
import type { HeadLogits } from '../regions/generalInstances.js';
import { type Grid, gridParams } from '../regions/grid.js';
import type { Truth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { layoutTable, type Maps, tensorOf } from '../tensor/layout.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Recipe } from './recipe.js';

const REGIONS = { name: 'head regions', source: regionsSource };
const STREAM = { name: 'head stream', source: streamSource };
const STRIDED = { name: 'head stream, strided', source: stridedSource };
const CLASS = { name: 'head class', source: classSource };
const BOX = { name: 'head box', source: boxSource };
const BOX_STRIDED = { name: 'head box, strided', source: boxStridedSource };
const TERMS = { name: 'head terms', source: termsSource };

// Sizes that the kernels know too: words of a Row and entries of an image's counts (head_row.wgsl), rows of a workgroup and
// entries that it writes (head_partials.wgsl), TABLE_IGNORED.
const ROW_WORDS = 4;
export const COUNTS = { stride: 20, levelPositives: 4 };
const GROUP = 64;
const PARTIALS = 32;
/** Words that head_box.wgsl writes a row and a quad. */
const BOX_WORDS = { row: 5, quad: 2 };
const TABLE_IGNORED = 0x80000000;
/** Bins of a quad, the size of Bins4 in head_box.wgsl. */
const MAX_QUAD_BINS = 32;
/** Classes that a workgroup of the pass over all class logits takes. */
const PLANES = 27;
/** Which entries of the lists a pass goes over: COUNT_POSITIVES or COUNT_ROWS of head_row.wgsl. */
const POSITIVES = 0;
const ALL_ROWS = 1;

/** What every pass of a head loss knows. */
export interface HeadSetting {
  device: Device;
  recipe: Recipe;
  grid: Grid;
  classes: number;
  bins: number;
  batch: number;
}

/** How long the lists of an image may be. */
interface ListSizes {
  /** Whether box logits are read four at a time. */
  packed: boolean;
  /** Bit l: the VLR of level l is listed as quads of neighbouring locations. */
  quadLevels: number;
  rows: number;
  quads: number;
}

/** The regions as lists, in the layout of shaders/losses/head_row.wgsl. */
export interface RegionLists {
  /** [N + N / 4] u32: first, for each location, 0 or 1 + class of a positive. */
  table: Tensor;
  /** [batch, rows + 2 · quads] rows. */
  rows: Tensor;
  sizes: ListSizes;
  /** [batch, 20] f32. */
  counts: Tensor;
}

/** Partial losses of the pass over all class logits, and how they lie. */
interface StreamPartials {
  /** [workgroups · 64] u32, see shaders/losses/head_stream_sum.wgsl. */
  partials: Tensor;
  /** First workgroup of each level. */
  starts: number[];
}

/**
 * Chooses what is listed how: quads where logits lie packed and a map's width is a multiple of four; rows elsewhere, and
 * everywhere where classes are distilled in the VLR, which goes row by row.
 */
export function listSizes({ recipe, grid, batch, bins }: HeadSetting, truth: Truth, boxes: readonly Maps[]): ListSizes {
  const packed = bins <= MAX_QUAD_BINS && recipe.kd.vlr === 0 && boxes.every((maps) => maps instanceof Pyramid);
  const quadOf = grid.levels.map(
    ({ width }, l) => packed && width % 4 === 0 && (batch * grid.levelTable[4 * l]) % 4 === 0,
  );
  const area = (quads: boolean) => grid.areas.reduce((sum, size, l) => sum + (quadOf[l] === quads ? size : 0), 0);
  const positives = Math.min(area(true), truth.count * grid.levels.length * recipe.regions.topk);
  return {
    packed,
    quadLevels: quadOf.reduce((bits, quad, l) => bits | (quad ? 1 << l : 0), 0),
    rows: area(false) + positives,
    quads: area(true) / 4,
  };
}

/** Lists positives and VLR: two dispatches, one more where labels may be ignored. */
export function listRegions({ device, recipe, grid, batch }: HeadSetting, truth: Truth, sizes: ListSizes): RegionLists {
  const { topk, ignoreIofThreshold, vlr, gamma } = recipe.regions;
  const locations = batch * grid.locations;
  const table = device.empty([locations + Math.ceil(locations / 4)], 'u32');
  device.clear({ ...table.range, size: 4 * table.size });
  if (truth.limited || (ignoreIofThreshold > 0 && truth.ignoreCount > 0)) {
    markLabels(grid, truth, ignoreIofThreshold, { marks: table, counted: 0, ignored: TABLE_IGNORED });
  }
  const { positives, thresholds, windows } = atssCandidates(grid, truth, {
    topk,
    ignoreIofThreshold,
    marks: table,
    ignored: TABLE_IGNORED,
    gamma,
  });
  const rows = device.empty([batch, slotsOf(sizes), ROW_WORDS], 'u32');
  const counts = device.empty([batch, COUNTS.stride]);
  device.run({
    kernel: REGIONS,
    constants: { REFERENCE: vlr === 'reference' ? 1 : 0 },
    bindings: {
      boxes: truth.boxes.range4,
      labels: truth.labels.range,
      image_starts: truth.imageStarts.range,
      positives: positives.range,
      windows: windows.range4,
      table: table.range,
      rows: rows.range,
      counts: counts.range,
    },
    params: {
      ...gridParams(grid, batch),
      image_slots: slotsOf(sizes),
      image_rows: sizes.rows,
      quad_levels: sizes.quadLevels,
      quad_start: locations,
      topk,
      gamma,
    },
    workgroups: [batch, 1, 1],
  });
  for (const tensor of [positives, thresholds, windows]) tensor.dispose();
  return { table, rows, counts, sizes };
}

/** Writes the gradient of all class logits as background. */
export function streamClasses(
  setting: HeadSetting,
  logits: Maps,
  { table, counts }: RegionLists,
  gradient: Tensor,
): StreamPartials {
  const { device, recipe, grid, classes, batch } = setting;
  const { beta } = recipe.classification;
  const packed = logits instanceof Pyramid && logits.levels.every(({ offset }) => offset % 4 === 0);
  const groupsOf = packed
    ? (area: number) =>
        area % 4 === 0
          ? Math.ceil(area / (4 * GROUP)) * Math.ceil(classes / PLANES) * batch
          : Math.ceil((batch * classes * area) / (4 * GROUP * PLANES))
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
      constants: { ...constants, PLANES },
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

/** The listed rows' class losses, scores and their partials. */
export function classRows(
  setting: HeadSetting,
  truth: Truth,
  { student, teacher }: { student: HeadLogits; teacher: HeadLogits },
  { rows, counts, sizes }: RegionLists,
  gradient: Tensor,
): Tensor {
  const { device, recipe, classes } = setting;
  const { kd } = recipe;
  const scored = scoredRows(recipe) === POSITIVES ? mostPositives(setting, truth) : Number.POSITIVE_INFINITY;
  const groups = Math.ceil(Math.min(scored, mostRows(setting, truth, sizes)) / GROUP);
  const partials = device.empty([Math.max(1, groups), PARTIALS, 2], 'u32');
  device.run({
    kernel: CLASS,
    constants: boxConstants(setting),
    bindings: {
      student: tensorOf(student.classLogits).range,
      teacher: tensorOf(teacher.classLogits).range,
      box_logits: tensorOf(student.boxLogits).range,
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
      ...groupParams(groups),
      student_layout: layoutTable(student.classLogits),
      teacher_layout: layoutTable(teacher.classLogits),
      box_layout: layoutTable(student.boxLogits),
    },
    invocations: GROUP * groups,
  });
  return partials;
}

interface BoxPartials {
  /** u32: five a row and two a quad, see shaders/losses/head_box.wgsl. */
  partials: Tensor;
  /** Element of the first quad. */
  quadStart: number;
}

/** The box losses of listed rows and quads and their partials. */
export function boxRows(
  setting: HeadSetting,
  truth: Truth,
  { student, teacher }: { student: HeadLogits; teacher: HeadLogits },
  { rows, counts, sizes }: RegionLists,
  { gradient, classPartials }: { gradient: Tensor; classPartials: Tensor },
): BoxPartials {
  const { device, recipe, batch } = setting;
  const { box, dfl, ld } = recipe;
  const most = { rows: mostRows(setting, truth, sizes), quads: batch * sizes.quads };
  const rowGroups = Math.ceil(most.rows / GROUP);
  const groups = rowGroups + Math.ceil(most.quads / GROUP);
  const quadStart = BOX_WORDS.row * most.rows;
  const range = sizes.packed ? 'range4' : 'range';
  const partials = device.empty([quadStart + BOX_WORDS.quad * most.quads], 'u32');
  device.run({
    kernel: sizes.packed ? BOX : BOX_STRIDED,
    constants: { ...boxConstants(setting), CIOU: box.form === 'ciou' ? 1 : 0 },
    bindings: {
      student: tensorOf(student.boxLogits)[range],
      teacher: tensorOf(teacher.boxLogits)[range],
      truth: truth.boxes.range4,
      counts: counts.range,
      rows: rows.range,
      class_partials: classPartials.range,
      gradient: gradient[range],
      partials: partials.range,
    },
    params: {
      ...rowParams(setting, sizes),
      image_rows: sizes.rows,
      row_groups: rowGroups,
      quad_partials: quadStart,
      scored: scoredRows(recipe),
      temperature: ld.temperature,
      margin: dfl.margin,
      box_normaliser: ['weights', 'positives', 'none'].indexOf(box.normaliser),
      ld_normaliser: ['reference', 'weights', 'none'].indexOf(ld.normaliser),
      box_weight: box.weight,
      dfl_weight: dfl.weight,
      ld_weight: ld.main,
      ld_vlr_weight: ld.vlr,
      ...groupParams(groups),
      student_layout: layoutTable(student.boxLogits),
      teacher_layout: layoutTable(teacher.boxLogits),
    },
    invocations: GROUP * groups,
  });
  return { partials, quadStart };
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

function classFactor({ recipe, grid, batch }: HeadSetting) {
  const { weight, normaliser } = recipe.classification;
  return {
    batch,
    level_count: grid.levels.length,
    cls_weight: weight,
    cls_normaliser: ['images', 'positives', 'none'].indexOf(normaliser),
  };
}

function mostPositives({ recipe, grid }: HeadSetting, truth: Truth): number {
  return truth.count * grid.levels.length * recipe.regions.topk;
}

/** Rows of all images: positives, and the VLR where it is not listed by quads. */
function mostRows(setting: HeadSetting, truth: Truth, { rows, quadLevels }: ListSizes): number {
  const { batch, grid } = setting;
  const others = grid.areas.reduce((sum, area, l) => sum + ((quadLevels >> l) & 1 ? 0 : area), 0);
  return batch * others + Math.min(batch * (rows - others), mostPositives(setting, truth));
}

function slotsOf({ rows, quads }: ListSizes): number {
  return rows + 2 * quads;
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

/** How the groups of rows are spread over the workgroups: by a step near the golden section that leaves none out. */
function groupParams(groups: number) {
  let step = Math.max(1, Math.min(Math.floor(0.618 * groups), 65_535));
  while (greatestCommonDivisor(step, groups) > 1) step--;
  return { groups, group_step: step };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function boxConstants({ recipe, bins }: HeadSetting) {
  return { BINS: bins, OFFSET_BOX: recipe.box.parameters === 'offset' ? 1 : 0 };
}

/** The level table with the given starts of the levels in place of their strides. */
function levelTable({ levelTable: table }: Grid, starts: readonly number[]): number[] {
  return table.map((value, i) => (i % 4 === 3 ? starts[i >> 2] : value));
}
