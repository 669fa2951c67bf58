import regionsSource from '../../shaders/losses/head_regions.wgsl';
import { atssCandidates, markLabels } from '../regions/atss.js';
import { type Grid, gridParams } from '../regions/grid.js';
import type { Truth } from '../regions/truth.js';
import type { Device } from '../tensor/device.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Recipe } from './recipe.js';

const REGIONS = { name: 'head regions', source: regionsSource };

// Sizes that the kernels know too: words of a Row and entries of an image's counts, TABLE_IGNORED (head_row.wgsl).
const ROW_WORDS = 4;
export const COUNTS = { stride: 19, rows: 1, levelPositives: 3 };
const TABLE_IGNORED = 0x80000000;

/** What every pass of a head loss knows. */
export interface HeadSetting {
  device: Device;
  recipe: Recipe;
  grid: Grid;
  classes: number;
  bins: number;
  batch: number;
}

/** The regions as lists, in the layout of shaders/losses/head_row.wgsl. */
export interface RegionLists {
  /** [N] u32: 0 or 1 + class of a positive. */
  table: Tensor;
  /** [batch, slots] rows. */
  rows: Tensor;
  /** Rows that an image may have. */
  slots: number;
  /** [batch, 19] f32. */
  counts: Tensor;
}

/** Lists the positives, and the VLR where the recipe distils there: two dispatches, one more where labels may be ignored. */
export function listRegions(setting: HeadSetting, truth: Truth): RegionLists {
  const { device, recipe, grid, batch } = setting;
  const { topk, ignoreIofThreshold, vlr, gamma } = recipe.regions;
  const withVlr = listsVlr(recipe);
  const slots = withVlr ? grid.locations : Math.min(grid.locations, mostPositives(setting, truth));
  const table = device.empty([batch * grid.locations], 'u32');
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
  const rows = device.empty([batch, slots, ROW_WORDS], 'u32');
  const counts = device.empty([batch, COUNTS.stride]);
  device.run({
    kernel: REGIONS,
    constants: { VLR: withVlr ? 1 : 0, REFERENCE: withVlr && vlr === 'reference' ? 1 : 0 },
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
      image_slots: slots,
      topk,
      gamma,
    },
    workgroups: [batch, 1, 1],
  });
  for (const tensor of [positives, thresholds, windows]) tensor.dispose();
  return { table, rows, slots, counts };
}

/** Whether the recipe distils in the VLR. */
function listsVlr({ ld, kd }: Recipe): boolean {
  return ld.vlr > 0 || kd.vlr > 0;
}

/** The most positives that the candidates of all ground truths allow; at least 1. */
export function mostPositives({ recipe, grid, batch }: HeadSetting, truth: Truth): number {
  return Math.max(1, Math.min(batch * grid.locations, truth.count * grid.levels.length * recipe.regions.topk));
}

/** The most rows of all images. */
export function mostRows(setting: HeadSetting, truth: Truth): number {
  return listsVlr(setting.recipe) ? setting.batch * setting.grid.locations : mostPositives(setting, truth);
}
