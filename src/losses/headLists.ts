import regionsSource from '../../shaders/losses/head_regions.wgsl';
import { atssCandidates, markLabels } from '../regions/atss.js';
import { type Grid, gridParams } from '../regions/grid.js';
import type { Truth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import type { BoxInput } from './boxLayer.js';
import type { Recipe } from './recipe.js';

const REGIONS = { name: 'head regions', source: regionsSource };

// Sizes that the kernels know too: words of a Row and entries of an image's counts, TABLE_IGNORED (head_row.wgsl).
const ROW_WORDS = 4;
export const COUNTS = { stride: 20, rows: 1, quads: 3, levelPositives: 4 };
const TABLE_IGNORED = 0x80000000;
/** Bins of a quad, the size of Bins4 in head_box.wgsl. */
const MAX_QUAD_BINS = 32;

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
export interface ListSizes {
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

/**
 * Chooses what is listed how: quads where logits lie packed and a map's width is a multiple of four; rows elsewhere, and
 * everywhere where classes are distilled in the VLR, which goes row by row.
 */
export function listSizes(
  { recipe, grid, batch, bins }: HeadSetting,
  truth: Truth,
  boxes: readonly BoxInput[],
): ListSizes {
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

/** The most positives that the candidates of all ground truths allow. */
export function mostPositives({ recipe, grid }: HeadSetting, truth: Truth): number {
  return truth.count * grid.levels.length * recipe.regions.topk;
}

/** Rows of all images: positives, and the VLR where it is not listed by quads. */
export function mostRows(setting: HeadSetting, truth: Truth, { rows, quadLevels }: ListSizes): number {
  const { batch, grid } = setting;
  const others = grid.areas.reduce((sum, area, l) => sum + ((quadLevels >> l) & 1 ? 0 : area), 0);
  return batch * others + Math.min(batch * (rows - others), mostPositives(setting, truth));
}

export function slotsOf({ rows, quads }: ListSizes): number {
  return rows + 2 * quads;
}
