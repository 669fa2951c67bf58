import { type Recipe, resolveRecipe } from '../losses/recipe.js';
import { type TrainSettings, trainSettings } from '../train/settings.js';
import type { Distillation, Head, NetName, StudentChoice } from './protocol.js';

/** For the short trainings of a page; by the moving average, which forgets within 50 steps, nets are shown and measured. */
const FROM_NOTHING: Partial<TrainSettings> = { learningRate: 1e-2, warmupSteps: 30, ema: 0.98, evaluateEvery: 0 };
export const SETTINGS = trainSettings({ ...FROM_NOTHING, batch: 8 });
/** Images of a dropped model are larger. */
const MODEL_BATCH = 4;

/** The weight of the recipe main-kd. */
const CLASS_DISTILLATION = 10;

/**
 * What a dropped model, and a teacher that learns along with it, are trained by.
 * @throws InputError when learning rate or steps are out of range
 */
export function settingsOfModel({
  learningRate,
  steps,
}: Pick<StudentChoice, 'learningRate' | 'steps'>): Record<'student' | 'teacher', TrainSettings> {
  // A trained net wants a tenth of its steps to warm up in.
  const common = { ...FROM_NOTHING, batch: MODEL_BATCH, warmupSteps: Math.min(100, Math.ceil(steps / 10)) };
  return { student: trainSettings({ ...common, learningRate }), teacher: trainSettings(common) };
}

/**
 * What a net learns by: the teacher from the labels; both students from labels and the teacher's classes, and one of them by
 * LD too, as the sliders say.
 */
export function recipeOf(
  name: NetName,
  { weight, temperature, gamma }: Distillation,
  { classes }: { classes: number },
): Recipe {
  if (name === 'teacher') return resolveRecipe({ name });
  // A softmax over a single class says nothing.
  const kd = { main: CLASS_DISTILLATION, form: classes === 1 ? 'binary' : 'softmax' } as const;
  if (name === 'without') return resolveRecipe({ name, kd });
  return resolveRecipe({ name, kd, ld: { main: weight, vlr: weight, temperature }, regions: { gamma } });
}

/**
 * What nets learn by where a dropped model does: all from the labels as its head's own code has it, and one of the students from
 * the teacher's edges, too, as the shipped recipe of that head with LD.
 * @param centreOffset of the model
 */
export function recipeOfModel(
  name: NetName,
  { weight, temperature, gamma }: Distillation,
  { head, centreOffset }: { head: Head; centreOffset: number },
): Recipe {
  const own = resolveRecipe(head);
  // ATSS of the first epochs is for nets from nothing.
  const regions = { ...own.regions, centreOffset, switchAfter: 0 };
  if (name !== 'with') return resolveRecipe({ ...own, name, regions });
  const { ld } = resolveRecipe(head === 'gfocal' ? 'main-ld+vlr-ld' : `${head}+ld`);
  const vlr = ld.vlr > 0 ? weight : 0;
  return resolveRecipe({ ...own, name, ld: { ...ld, main: weight, vlr, temperature }, regions: { ...regions, gamma } });
}
