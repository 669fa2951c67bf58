import { type Assignment, COUNTS } from '../regions/assignment.js';
import { generalInstances } from '../regions/generalInstances.js';
import type { Grid } from '../regions/grid.js';
import { imitationRegion } from '../regions/imitation.js';
import type { TeacherHead } from '../regions/teacherHead.js';
import type { Truth } from '../regions/truth.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import { InputError } from '../util/error.js';
import type { HeadOutputs } from './headOutputs.js';
import { batchScale } from './headTerms.js';
import { imitateFeatures } from './imitation.js';
import type { Recipe } from './recipe.js';

/** What the head loss has when it comes to imitation. */
interface ImitationInput {
  recipe: Recipe;
  grid: Grid;
  bins: number;
  teacherHead: TeacherHead;
  distillation: number;
  student: HeadOutputs;
  teacher: HeadOutputs;
  truth: Truth;
  assignment: Assignment;
}

/** What imitation adds to the head loss. */
export interface ImitationTerm {
  /** [N] f32: 1 where features are imitated. */
  mask: Tensor;
  /** With respect to the student's features. */
  gradient: Pyramid;
  /** [N] weighted losses. */
  losses: Tensor;
}

/**
 * Feature imitation of the head loss, as in the LD authors' code: mean squared error over the locations of the region × channels of
 * a level, for `decouple` also over the rest.
 * @returns null where the recipe does not imitate
 */
export function imitationTerm(input: ImitationInput): ImitationTerm | null {
  const { recipe, grid, bins, teacherHead, distillation, student, teacher, truth, assignment } = input;
  const { counts } = assignment;
  const { device } = counts;
  const { method, weight, background, needsPositives } = recipe.imitation;
  if (weight * distillation === 0 || method === 'none') return null;
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
          teacherHead,
          parameters: recipe.box.parameters,
          scope: method === 'gibox' ? 'batch' : 'image',
        })
      : imitationRegion(method, grid, truth, assignment);
  const losses = device.empty([truth.batch * grid.locations]);
  const gradient = imitateFeatures(student.features, teacher.features, mask, {
    weight: weight * distillation * batchScale(recipe, truth.batch),
    background: method === 'decouple' ? background : 0,
    gates: needsPositives
      ? { tensor: counts, first: COUNTS.levelPositives, images: truth.batch, imageStride: COUNTS.stride }
      : undefined,
    losses,
  });
  return { mask, gradient, losses };
}
