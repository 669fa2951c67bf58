import type { Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';

/** The recipe of an epoch, from 0: in the first `regions.switchAfter` ATSS assigns, with IoU as score as in PaddleDetection. */
export function recipeAt(recipe: Recipe, epoch: number): Recipe {
  const { regions } = recipe;
  if (epoch >= regions.switchAfter) return recipe;
  return { ...recipe, regions: { ...regions, assigner: 'atss', switchAfter: 0 } };
}

/** The recipes that a training still needs, each once. @param epoch the one under way, from 0 */
export function recipesFrom(recipe: Recipe, epoch = 0): Recipe[] {
  const now = recipeAt(recipe, epoch);
  return now === recipe ? [recipe] : [now, recipe];
}

/** Who assigns in an epoch, from 0, for the log; nothing where that never changes. */
export function assignerOf(recipe: Recipe, epoch: number): { assigner?: string } {
  return recipe.regions.switchAfter > 0 ? { assigner: recipeAt(recipe, epoch).regions.assigner } : {};
}

/** @throws InputError that names field and remedy where a training never comes to its recipe's assigner, or has none */
export function assertAssigner({ name, regions }: Recipe, { epochs }: { epochs: number }): void {
  const { assigner, switchAfter } = regions;
  if (assigner === 'given') {
    throw new InputError(
      `recipe ${name}: regions.assigner is given, but nobody gives a training its assignment; name an assigner, or call HeadLoss.evaluate from a program of yours.`,
    );
  }
  if (switchAfter === 0 || switchAfter < epochs) return;
  throw new InputError(
    `recipe ${name}: regions.switchAfter is ${switchAfter}, the epochs of ATSS before ${assigner}, but the training has ${epochs}, so ${assigner} would never assign. Set it to ${Math.floor(epochs / 3)}, say (--switch-after on the command line), or train for more epochs.`,
  );
}
