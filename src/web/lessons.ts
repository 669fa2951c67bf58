import type { PartialRecipe } from '../losses/recipe.js';
import { trainSettings } from '../train/settings.js';
import type { Distillation, NetName } from './protocol.js';

/** For the short trainings of a page; by the moving average, which forgets within 50 steps, nets are shown and measured. */
export const SETTINGS = trainSettings({ batch: 8, learningRate: 1e-2, warmupSteps: 30, ema: 0.98, evaluateEvery: 0 });

/** The weight of the recipe main-kd. */
const CLASS_DISTILLATION = 10;

/**
 * What a net learns by: the teacher from the labels; both students from labels and the teacher's classes, and one of them by
 * LD too, as the sliders say.
 */
export function recipeOf(
  name: NetName,
  { weight, temperature, gamma }: Distillation,
  { classes }: { classes: number },
): PartialRecipe {
  if (name === 'teacher') return { name };
  // A softmax over a single class says nothing.
  const kd = { main: CLASS_DISTILLATION, form: classes === 1 ? 'binary' : 'softmax' } as const;
  if (name === 'without') return { name, kd };
  return { name, kd, ld: { main: weight, vlr: weight, temperature }, regions: { gamma } };
}
