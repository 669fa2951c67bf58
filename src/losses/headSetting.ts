import { constants as share } from '../../shaders/losses/head_share.wgsl';
import { constants as sampleConstants } from '../../shaders/regions/sample.wgsl';
import type { Projection } from '../regions/binValues.js';
import type { Grid } from '../regions/grid.js';
import { type TeacherHead, teacherCells, teacherConstants, teacherParams } from '../regions/teacherHead.js';
import type { Device } from '../tensor/device.js';
import type { Maps } from '../tensor/layout.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Recipe } from './recipe.js';

/** What a head loss is made for. */
export interface HeadShape {
  device: Device;
  recipe: Recipe;
  grid: Grid;
  classes: number;
  bins: number;
  /** What the bins stand for, in strides; null: bin k for k. */
  projection: Projection | null;
  batch: number;
  teacher: TeacherHead;
}

/** What every pass of a head loss knows. */
export interface HeadSetting extends HeadShape {
  /** Factor of every distillation term; where it is 0 `recipe` distils nothing. */
  distillation: number;
  /** Processes that share the step. */
  shares: number;
}

/** Images of the step, those of other processes included. */
export function stepImages({ batch, shares }: Pick<HeadSetting, 'batch' | 'shares'>): number {
  return batch * shares;
}

/** The losses of samples, in the layout of shaders/losses/head_records.wgsl. */
export interface Records {
  /** u32. */
  tensor: Tensor;
  /** Word of the first sample that is no positive. */
  others: number;
}

/** Which samples a pass goes over: these, or `ALL_SAMPLES`. */
export const POSITIVES = sampleConstants.COUNT_POSITIVES;
export const ALL_SAMPLES = sampleConstants.COUNT_SAMPLES;

/** Uniform fields by which a pass finds its samples. */
export function sampleParams({ grid, batch }: HeadSetting, slots: number) {
  return { batch, level_count: grid.levels.length, image_slots: slots, levels: grid.levelTable };
}

/** Uniform fields of what the bins mean. */
export function codecParams({ recipe, bins }: HeadSetting) {
  return { bins, centre_offset: recipe.regions.centreOffset, anchor: recipe.regions.octaveScale };
}

/** Overrides of shaders/lib/teacher_cells.wgsl. */
export function teacherCellConstants({ teacher }: HeadSetting) {
  return { TEACHER_MAPPED: teacher.isMapped ? 1 : 0 };
}

/** Uniform fields of shaders/lib/teacher_cells.wgsl. */
export function teacherCellParams({ recipe, teacher }: HeadSetting) {
  return { centre_offset: recipe.regions.centreOffset, teacher_cells: teacherCells(teacher) };
}

/** Overrides of shaders/lib/teacher_edges.wgsl. */
export function teacherEdgeConstants(setting: HeadSetting) {
  return teacherConstants(setting.teacher, setting.projection);
}

/** Uniform fields of shaders/lib/teacher_edges.wgsl. */
export function teacherEdgeParams(setting: HeadSetting, boxLogits: Maps) {
  const { bins, projection, teacher } = setting;
  return { ...teacherCellParams(setting), bins, ...teacherParams(teacher, projection, boxLogits) };
}

/** Overrides of shaders/lib/box_parameters.wgsl. */
export function codecConstants({ box }: Recipe) {
  return { OFFSET_BOX: box.parameters === 'offset' ? 1 : 0 };
}

/** Workgroups of an image, few: on CPU adapters an empty one costs as much as a full one. @param most samples of all images */
export function sampleWorkgroups({ device, batch }: HeadSetting, most: number): [number, number, number] {
  const groups = Math.ceil(device.choice('rows.workgroups') / batch);
  return [Math.min(groups, Math.ceil(most / share.ROWS)), batch, 1];
}
