import { type PartialRecipe, type Recipe, resolveRecipe } from '../../src/losses/recipe.js';

/** The recipe, whole: what it leaves out is that of `base`. Also of values that the oracle honours and the head loss not yet. */
export function recipeOf(changes: PartialRecipe, base: Recipe = resolveRecipe('gfocal')): Recipe {
  const sections = Object.entries(changes).map(([key, value]) => {
    const standard = base[key as keyof Recipe];
    return [key, typeof standard === 'object' && typeof value === 'object' ? { ...standard, ...value } : value];
  });
  return { ...base, ...Object.fromEntries(sections) };
}
