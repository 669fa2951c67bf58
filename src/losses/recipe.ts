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

/** Drops `box.branch` of older runs. @throws InputError for the value that is gone */
function withoutBranch({ branch, ...box }: Record<string, unknown>): Record<string, unknown> {
  if (branch === undefined || branch === 'dense') return box;
  throw new InputError(
    `recipe: box.branch is ${kindOf(branch)}; box logits are those of all locations now (a training step gained 0 to 7 % otherwise). Leave the field out.`,
  );
}

/** Two fields that contradict each other, and the remedy; null: none. */
function contradictionIn({ regions, ld, kd, iouLd, cross, imitation }: Recipe): string | null {
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
  for (const [name, { main, vlr, all }] of Object.entries({ ld, kd })) {
    if (all > 0 && main + vlr > 0) {
      return `${name}.all is ${all}, which takes in the positives and the VLR; set ${name}.main and ${name}.vlr to 0`;
    }
  }
  if (kd.all > 0 && kd.form === 'softmax') {
    return 'kd.all distils each class by itself but kd.form is softmax; set it to focal-binary or binary';
  }
  if (ld.all > 0 && (ld.weights === 'best-score' || ld.weights === 'target-score')) {
    return `ld.all is ${ld.all} but ld.weights ${ld.weights} is a weight of positives; set it to teacher-score, score-difference, decoupled or none`;
  }
  if (ld.all > 0 && ld.normaliser === 'reference') {
    return `ld.all is ${ld.all} but ld.normaliser is reference, a fixed number; set it to weights, images, positives, scores or none`;
  }
  if (ld.all === 0 && (ld.weights === 'decoupled' || ld.normaliser === 'decoupled')) {
    return 'ld.weights and ld.normaliser decoupled are of all locations but ld.all is 0; set ld.all, or take other weights and another normaliser';
  }
  if (ld.all > 0 && ld.normaliser === 'decoupled' && ld.weights !== 'decoupled') {
    return `ld.normaliser is decoupled but ld.weights is ${ld.weights}; set it to decoupled, or ld.normaliser to weights, images, positives, scores or none`;
  }
  if (ld.weights === 'decoupled' && ld.normaliser === 'weights') {
    return 'ld.weights is decoupled, of which no sum is kept; set ld.normaliser to decoupled, images, positives, scores or none';
  }
  if (ld.weights === 'decoupled' && iouLd.weight > 0 && iouLd.region === 'all' && iouLd.weights === 'teacher-score') {
    return "ld.weights decoupled takes the place of the teacher's scores, which iouLd.weights asks for; set that to score-difference or none";
  }
  if (ld.all > 0 && ld.weights === 'none' && ld.normaliser === 'weights') {
    return 'ld.normaliser is weights but with ld.weights none all locations weigh 1; set it to images, positives, scores or none';
  }
  if (cross.convolutions > 0 && !distilsBoxes({ ld, iouLd }) && !distilsClasses({ kd })) {
    return `cross.convolutions is ${cross.convolutions} but nothing is distilled there; set a weight of kd, ld or iouLd, or cross.convolutions to 0`;
  }
  if (iouLd.weight > 0 && iouLd.region === 'all') {
    if (iouLd.weights === 'target-score') {
      return 'iouLd.weights target-score is a weight of positives; set it to score-difference, teacher-score or none, or iouLd.region to main';
    }
    if (iouLd.weights === 'none' && iouLd.normaliser === 'weights') {
      return 'iouLd.normaliser is weights but with iouLd.weights none all locations weigh 1; set it to images, positives, scores or none';
    }
  }
  return null;
}

const WITHOUT_REGION = ['cwd', 'pkd', 'score-weighted'] as const satisfies ImitationMethod[];
/** A method of `imitation` that compares features everywhere. */
export type RegionlessMethod = (typeof WITHOUT_REGION)[number];

/** Whether a method of `imitation` compares features everywhere; the others take squared differences in a region. */
export function isRegionless(method: ImitationMethod): method is RegionlessMethod {
  return (WITHOUT_REGION as readonly string[]).includes(method);
}

/** Whether the student's features are to go through the teacher's head. */
export function isCross({ cross }: Pick<Recipe, 'cross'>): boolean {
  return cross.convolutions > 0;
}

/** Whether the recipe compares the student with a teacher. */
export function needsTeacher({ box, ld, kd, iouLd, imitation }: Recipe): boolean {
  const distils = distilsBoxes({ ld, iouLd }) || distilsClasses({ kd });
  return distils || box.bounded > 0 || imitation.weight > 0;
}

/** What is left of a recipe where the factor of distillation is 0. */
export function withoutDistillation(recipe: Recipe): Recipe {
  const { box, imitation } = recipe;
  return {
    ...withoutLogitDistillation(recipe),
    box: { ...box, bounded: 0 },
    imitation: { ...imitation, method: 'none', weight: 0 },
  };
}

/** Without KD, LD and IoU distillation. */
export function withoutLogitDistillation(recipe: Recipe): Recipe {
  const { ld, kd, iouLd } = recipe;
  return {
    ...recipe,
    ld: { ...ld, main: 0, vlr: 0, all: 0 },
    kd: { ...kd, main: 0, vlr: 0, all: 0 },
    iouLd: { ...iouLd, weight: 0 },
  };
}

/** Whether the recipe has LD or IoU distillation, on whatever region. */
export function distilsBoxes({ ld, iouLd }: Pick<Recipe, 'ld' | 'iouLd'>): boolean {
  return hasLd({ ld }) || iouLd.weight > 0;
}

/** Whether the recipe compares distributions of boxes. */
export function hasLd({ ld }: Pick<Recipe, 'ld'>): boolean {
  return ld.main > 0 || ld.vlr > 0 || ld.all > 0;
}

/** Whether the recipe has class distillation, on whatever region. */
export function distilsClasses({ kd }: Pick<Recipe, 'kd'>): boolean {
  return kd.main > 0 || kd.vlr > 0 || kd.all > 0;
}
