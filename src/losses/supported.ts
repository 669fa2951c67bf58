import { InputError } from '../util/error.js';
import type { Recipe } from './recipe.generated.js';

/** Values that a recipe may have but the head loss does not honour yet. */
const UNSUPPORTED = {
  'regions.assigner': ['task-aligned', 'dynamic-soft-label', 'given'],
};

/** @throws InputError that names every value of the recipe which the head loss does not honour yet */
export function assertSupported(recipe: Recipe): void {
  const used = Object.entries(UNSUPPORTED).flatMap(([path, values]) => {
    const value = path.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], recipe);
    return values.some((other) => other === value) ? [`${path} ${value}`] : [];
  });
  if (used.length > 0) {
    throw new InputError(`recipe ${recipe.name}: not supported yet: ${used.join(', ')}; leave this out.`);
  }
}
