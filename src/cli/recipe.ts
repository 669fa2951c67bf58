import { readJson } from '../data/json.js';
import { recipeForClasses } from '../losses/oneClass.js';
import { type PartialRecipe, type Recipe, resolveRecipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';
import { tell } from '../util/terminal.js';

/**
 * The recipe that an option names.
 * @param recipe a shipped one's name or a JSON file
 * @param options `classes` of the data: with a single one, class distillation has another form; `switchAfter` in place of the recipe's
 * @throws InputError that names the file, the field and what is allowed
 */
export async function readRecipe(
  recipe: string,
  { classes = Number.POSITIVE_INFINITY, switchAfter }: { classes?: number; switchAfter?: number | undefined } = {},
): Promise<Recipe> {
  const given = recipe.endsWith('.json') ? ((await readJson(recipe)) as PartialRecipe) : recipe;
  try {
    const { recipe: whole, notice } = recipeForClasses(given, classes);
    // A training itself tells of a form that stays.
    if (notice !== null && whole.kd.form === 'binary') tell(notice);
    if (switchAfter === undefined) return whole;
    return resolveRecipe({ ...whole, regions: { ...whole.regions, switchAfter } });
  } catch (error) {
    throw error instanceof InputError && recipe.endsWith('.json')
      ? new InputError(`${recipe}: ${error.message}`)
      : error;
  }
}
