import type { Truth } from '../regions/truth.js';
import { InputError } from '../util/error.js';
import { assign } from './headAssign.js';
import { assertInput, type HeadLossInput } from './headInput.js';
import type { HeadLossResult } from './headResult.js';
import type { HeadShape } from './headSetting.js';
import { addTotal } from './headSums.js';
import { isCrossed, TERM_NAMES } from './headTerms.js';
import { type Recipe, withoutLogitDistillation } from './recipe.js';

interface Evaluates extends HeadShape {
  evaluate(input: HeadLossInput): HeadLossResult;
}

/** The two head losses of a recipe with `cross`. */
export interface CrossParts {
  /** Of the student's own head: everything but what `cross` takes. */
  own: Evaluates;
  /** Of the teacher's head on the student's features: KD, LD and IoU distillation. */
  crossed: Evaluates;
}

/** What the student's own predictions learn by (CrossKD, Wang et al., CVPR 2024), and what its features in the teacher's head learn by. */
export function crossRecipes(recipe: Recipe): { own: Recipe; crossed: Recipe } {
  const { classification, box, dfl, imitation } = recipe;
  const cross = { ...recipe.cross, convolutions: 0 };
  return {
    own: { ...withoutLogitDistillation(recipe), cross },
    crossed: {
      ...recipe,
      cross,
      classification: { ...classification, weight: 0 },
      box: { ...box, weight: 0, bounded: 0 },
      dfl: { ...dfl, weight: 0 },
      imitation: { ...imitation, method: 'none', weight: 0 },
    },
  };
}

/**
 * Records both losses and joins them: each term, with its gradient, is of one of the two.
 * @throws InputError when an output does not fit, before anything is recorded
 */
export function evaluateCrossed(head: HeadShape, { own, crossed }: CrossParts, input: HeadLossInput): HeadLossResult {
  const { device } = head;
  const { cross, ...shared } = input;
  const { gradients: _, truth, ...compared } = shared;
  assertInput(own, shared);
  if (cross) assertInput(crossed, { ...compared, student: cross, ...(truth && { truth }) });
  const { result, other, assignment } = device.tidy(() => {
    // `assertInput` has made sure of one of the two.
    const assignment = input.assignment ?? assign(head, truth as Truth, input.student);
    const result = own.evaluate({ ...shared, assignment });
    const distils = cross && input.distillation !== 0;
    const other = distils ? crossed.evaluate({ ...compared, assignment, student: cross }) : null;
    if (other) joinTerms(head.grid.levels.length, other, result);
    for (const tensor of other ? [other.terms, other.faults, other.total] : []) tensor.dispose();
    return { result, other: other?.gradients ?? null, assignment };
  });
  const gradients = other && { classLogits: other.classLogits, boxLogits: other.boxLogits };
  return {
    ...result,
    gradients: { ...result.gradients, cross: gradients },
    dispose: () => {
      if (!input.assignment) assignment.dispose();
      result.dispose();
      for (const tensor of new Set(Object.values(gradients ?? {}))) tensor.dispose();
    },
  };
}

/** Copies the terms that `cross` takes into another result, and adds the total. */
function joinTerms(levels: number, from: HeadLossResult, to: HeadLossResult): void {
  const row = 4 * levels;
  for (const [index, name] of TERM_NAMES.entries()) {
    if (!isCrossed(name)) continue;
    for (const key of ['terms', 'faults'] as const) {
      const [source, target] = [from[key].range, to[key].range];
      const at = index * row;
      to.terms.device.copy(source.buffer, source.offset + at, target.buffer, target.offset + at, row);
    }
  }
  addTotal(to.terms, to.total);
}

/** @throws InputError where `cross` is missing, or given to a recipe without it */
export function assertCross(
  { name, cross: { convolutions } }: Recipe,
  { cross, distillation = 1 }: HeadLossInput,
): void {
  if (cross && convolutions === 0) {
    throw new InputError(`cross: recipe ${name} does not use it; set cross.convolutions above 0, or leave cross out.`);
  }
  if (!cross && convolutions > 0 && distillation > 0) {
    throw new InputError(
      `cross: recipe ${name} distils what the teacher's head makes of the student's features; give its classLogits and boxLogits.`,
    );
  }
}
