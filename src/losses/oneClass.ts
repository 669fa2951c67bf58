import { type PartialRecipe, type Recipe, resolveRecipe } from './recipe.js';

/**
 * The recipe for data of so many classes. With a single class `kd.form` becomes `binary`, since a softmax is then 1 whatever the logit.
 * @param recipe a shipped one's name, or fields; a whole recipe stays as it is
 * @returns the whole recipe; and what to tell, or null
 * @throws InputError as `resolveRecipe`
 */
export function recipeForClasses(
  recipe: string | PartialRecipe,
  classes: number,
): { recipe: Recipe; notice: string | null } {
  const whole = resolveRecipe(recipe);
  const { kd } = whole;
  const isSilent = classes === 1 && kd.form === 'softmax' && (kd.main > 0 || kd.vlr > 0);
  if (!isSilent) return { recipe: whole, notice: null };
  const why = `recipe ${whole.name}: with a single class a softmax over the classes says nothing`;
  if (typeof recipe === 'object' && recipe.kd?.form !== undefined) {
    return { recipe: whole, notice: `${why}, so that class distillation stays 0; give kd.form binary.` };
  }
  return {
    recipe: { ...whole, kd: { ...kd, form: 'binary' } },
    notice: `${why}; class distillation compares by kd.form binary.`,
  };
}
