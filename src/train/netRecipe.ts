import type { DetectionNet } from '../detector/net.js';
import type { Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';

/**
 * The recipe as a net's boxes have it: the bins of an ONNX model mean distances, from where its mapping says.
 * @throws InputError when they are something else by the recipe
 */
export function recipeOfNet<R extends Pick<Recipe, 'box' | 'regions'> & { name?: string }>(
  { centreOffset }: Pick<DetectionNet, 'centreOffset'>,
  recipe: R,
): R {
  if (centreOffset === undefined) return recipe;
  const { name, box, regions } = recipe;
  if (box.parameters !== 'ltrb') {
    throw new InputError(
      `recipe${name === undefined ? '' : ` ${name}`}: box.parameters is ${box.parameters}, but the bins of an ONNX student are distances; set it to ltrb.`,
    );
  }
  return { ...recipe, regions: { ...regions, centreOffset } };
}
