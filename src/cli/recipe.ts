import { readJson } from '../data/json.js';
import { type PartialRecipe, type Recipe, resolveRecipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';

/**
 * The recipe that an option names.
 * @param recipe a shipped one's name or a JSON file
 * @throws InputError that names the file, the field and what is allowed
 */
export async function readRecipe(recipe: string): Promise<Recipe> {
  if (!recipe.endsWith('.json')) return resolveRecipe(recipe);
  try {
    return resolveRecipe((await readJson(recipe)) as PartialRecipe);
  } catch (error) {
    throw error instanceof InputError && !error.message.startsWith(recipe)
      ? new InputError(`${recipe}: ${error.message}`)
      : error;
  }
}
