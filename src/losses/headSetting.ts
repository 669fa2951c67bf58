import type { Grid } from '../regions/grid.js';
import type { Device } from '../tensor/device.js';
import type { Recipe } from './recipe.js';

/** What every pass of a head loss knows. */
export interface HeadSetting {
  device: Device;
  recipe: Recipe;
  grid: Grid;
  classes: number;
  bins: number;
  batch: number;
}
