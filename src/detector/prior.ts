import type { Recipe } from '../losses/recipe.js';
import type { DetectorConfig } from './config.js';

/** The score that every class starts from at every location, so that the many negatives do not swamp the first steps (Lin et al., ICCV 2017). */
export const PRIOR = 0.01;
/** Ultralytics' `bias_init`: so many objects on each level of an image of so many pixels a side, whatever the input's size is. */
const LEVEL_OBJECTS = 5;
const SIDE = 640;

/**
 * The score from which a recipe's head starts. Ultralytics starts the classes of a level of stride s from 5 / (classes · (640 / s)²), so
 * that the scores of a level add up to 5 objects. Our head has one bias for all levels: the score is the one whose sum over
 * all levels is the same.
 */
export function priorOf(
  { classification }: Recipe,
  { classes, strides }: Pick<DetectorConfig, 'classes' | 'strides'>,
): number {
  if (classification.initial === 'score') return PRIOR;
  const locations = strides.reduce((sum, stride) => sum + (SIDE / stride) ** 2, 0);
  return (LEVEL_OBJECTS * strides.length) / (classes * locations);
}
