import { isPlain, kindOf } from '../util/argument.js';
import { InputError } from '../util/error.js';
import { faultsIn } from '../util/schema.js';
import { type ImitationMethod, RECIPE_DEFAULTS, type Recipe } from './recipe.generated.js';
import isRecipe from './recipe.jsonschema';
import { type PartialRecipe, SHIPPED } from './recipes.js';

export type { ImitationMethod, Recipe } from './recipe.generated.js';
export type { PartialRecipe } from './recipes.js';

/** Names of the shipped recipes; those of the paper's tables. */
export const recipeNames: readonly string[] = SHIPPED.map(({ name }) => name);

/**
 * A whole recipe from a shipped one's name or from a partial one; what it leaves out is that of `gfocal`.
 * @throws InputError that names every unknown field, wrong type and value out of range, or the fields that contradict each other
 */
export function resolveRecipe(recipe: string | PartialRecipe): Recipe {
  if (typeof recipe === 'string' && !recipeNames.includes(recipe)) {
    throw new InputError(`recipe: there is none called ${recipe}; the shipped ones are ${recipeNames.join(', ')}.`);
  }
  const given = typeof recipe === 'string' ? SHIPPED.find(({ name }) => name === recipe) : recipe;
  if (!isPlain(given)) {
    throw new InputError(`recipe: ${kindOf(given)} is not a JSON object; give a name or the fields to change.`);
  }
  const sections = Object.entries(given).map(([key, value]) => {
    const base = Object.hasOwn(RECIPE_DEFAULTS, key) ? RECIPE_DEFAULTS[key as keyof Recipe] : undefined;
    const current = key === 'box' && isPlain(value) ? withoutBranch(value) : value;
    return [key, typeof base === 'object' && isPlain(current) ? { ...base, ...current } : current];
  });
  const merged = { ...RECIPE_DEFAULTS, name: 'custom', ...Object.fromEntries(sections) };
  const { name } = merged;
  const faults = faultsIn(merged, isRecipe, 'a recipe');
  if (faults !== null) throw new InputError(`recipe${typeof name === 'string' ? ` ${name}` : ''}: ${faults}.`);
  const whole: Recipe = merged;
  const contradiction = contradictionIn(whole);
  if (contradiction !== null) throw new InputError(`recipe ${whole.name}: ${contradiction}.`);
  return whole;
}

/**
 * Recipes of older runs say `box.branch`.
 * @throws InputError for the value that is gone
 */
function withoutBranch({ branch, ...box }: Record<string, unknown>): Record<string, unknown> {
  if (branch === undefined || branch === 'dense') return box;
  throw new InputError(
    `recipe: box.branch is ${kindOf(branch)}; box logits are those of all locations now (a training step gained 0 to 7 % otherwise). Leave the field out.`,
  );
}

/** What two fields say against each other, and the remedy; null: nothing. */
function contradictionIn({ regions, ld, kd, imitation }: Recipe): string | null {
  if (imitation.weight > 0 && imitation.method === 'none') {
    return `imitation.weight is ${imitation.weight} but imitation.method is none`;
  }
  if (imitation.method === 'pkd' && imitation.norm === 'batch') {
    return 'imitation.norm is batch but imitation.method is pkd, which standardises the features itself; leave norm out';
  }
  if (regions.switchAfter > 0 && regions.assigner === 'atss') {
    return `regions.switchAfter is ${regions.switchAfter} but regions.assigner is atss already; leave switchAfter out or name the assigner to switch to`;
  }
  const ofVlr = Object.entries({ ld, kd }).find(([, { vlr }]) => vlr > 0);
  if (regions.vlr === 'none' && ofVlr) {
    return `${ofVlr[0]}.vlr is ${ofVlr[1].vlr} but regions.vlr is none; set it to 0, or regions.vlr to paper or reference`;
  }
  return null;
}

/** Methods of `imitation` that compare features everywhere, each in its own way; the others' is a squared difference in a region. */
const WITHOUT_REGION = ['cwd', 'pkd', 'score-weighted'] as const satisfies ImitationMethod[];
/** One of `WITHOUT_REGION`. */
export type RegionlessMethod = (typeof WITHOUT_REGION)[number];

/** Whether a method of `imitation` compares features everywhere. */
export function isRegionless(method: ImitationMethod): method is RegionlessMethod {
  return (WITHOUT_REGION as readonly string[]).includes(method);
}

/** True where the recipe compares the student with a teacher. */
export function needsTeacher({ box, ld, kd, imitation }: Recipe): boolean {
  return box.bounded > 0 || ld.main > 0 || ld.vlr > 0 || kd.main > 0 || kd.vlr > 0 || imitation.weight > 0;
}
