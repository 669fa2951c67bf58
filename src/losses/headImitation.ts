import { InputError } from '../gpu/error.js';
import type { Assignment } from '../regions/atss.js';
import { generalInstances } from '../regions/generalInstances.js';
import type { Grid } from '../regions/grid.js';
import { imitationRegion } from '../regions/imitation.js';
import type { Truth } from '../regions/truth.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import type { HeadOutputs } from './headLoss.js';
import { imitateFeatures } from './imitation.js';
import type { Recipe } from './recipe.js';
import { one } from './rowLoss.js';

/** What the head loss has when it comes to imitation. */
interface ImitationInput {
  recipe: Recipe;
  grid: Grid;
  bins: number;
  student: HeadOutputs;
  teacher: HeadOutputs;
  truth: Truth;
  assignment: Assignment;
  /** Its entry `FACTOR_LEVELS + 4 · level + 2` (shaders/losses/head_row.wgsl) counts a level's positives. */
  factors: Tensor;
  /** [8, locations]; the last row is written. */
  partials: Tensor;
}

const FACTOR_POSITIVES = { first: 10, stride: 4 };
const IMITATION_ROW = 7;

/**
 * The head loss's feature imitation (LD spec 4.8): mean squared error over the region's locations × channels of a level,
 * for `decouple` also over the rest.
 * @returns the region and the gradient with respect to the student's features; nulls where the recipe does not imitate
 */
export function imitationTerm(input: ImitationInput): { mask: Tensor | null; gradient: Pyramid | null } {
  const { recipe, grid, bins, student, teacher, truth, assignment, factors, partials } = input;
  const { device } = partials;
  const { method, weight, background, needsPositives } = recipe.imitation;
  const lossStart = (IMITATION_ROW * partials.size) / 8;
  if (weight === 0 || method === 'none') {
    const offset = partials.offset + 4 * lossStart;
    device.clear({ buffer: partials.buffer, offset, size: 4 * (partials.size - lossStart) });
    return { mask: null, gradient: null };
  }
  if (!student.features || !teacher.features) {
    throw new InputError(
      `features: recipe ${recipe.name} imitates them; give those of the student and of the teacher.`,
    );
  }
  const mask =
    method === 'gibox' || method === 'gibox-image'
      ? generalInstances(grid, truth, {
          student,
          teacher,
          bins,
          parameters: recipe.box.parameters,
          scope: method === 'gibox' ? 'batch' : 'image',
        })
      : imitationRegion(method, grid, truth, assignment);
  const gradient = imitateFeatures(student.features, teacher.features, mask, {
    weight,
    background: method === 'decouple' ? background : 0,
    gates: needsPositives ? { tensor: factors, ...FACTOR_POSITIVES } : { tensor: one(device), first: 0, stride: 0 },
    losses: partials,
    lossStart,
  });
  return { mask, gradient };
}
