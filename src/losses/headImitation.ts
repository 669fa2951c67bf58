import imitationSource from '../../shaders/losses/head_imitation.wgsl';
import factorsSource from '../../shaders/losses/head_imitation_factors.wgsl';
import { InputError } from '../gpu/error.js';
import type { Assignment } from '../regions/atss.js';
import { type Grid, gridParams } from '../regions/grid.js';
import type { Truth } from '../regions/truth.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import type { HeadOutputs } from './headLoss.js';
import type { Recipe } from './recipe.js';

const FACTORS = { name: 'head_imitation_factors', source: factorsSource };
const IMITATION = { name: 'head_imitation', source: imitationSource };

interface ImitationSetting {
  recipe: Recipe;
  grid: Grid;
  batch: number;
  classes: number;
  bins: number;
}

/**
 * The head loss's feature imitation (LD spec 4.8): mean squared error over the region's locations × channels of a level,
 * for `decouple` also over the rest. Writes the last row of `partials`.
 * @returns the region and the gradient with respect to the student's features; nulls where the recipe does not imitate
 */
export function imitationTerm(
  { recipe, grid, batch, classes, bins }: ImitationSetting,
  student: HeadOutputs,
  teacher: HeadOutputs,
  { truth, assignment, factors, partials }: { truth: Truth; assignment: Assignment; factors: Tensor; partials: Tensor },
): { mask: Tensor | null; gradient: Pyramid | null } {
  const { device } = partials;
  const locations = batch * grid.locations;
  const { method, weight, background, needsPositives } = recipe.imitation;
  if (weight === 0 || method === 'none') {
    device.clear({ buffer: partials.buffer, offset: partials.offset + 4 * 7 * locations, size: 4 * locations });
    return { mask: null, gradient: null };
  }
  throw new InputError('not yet');
}
