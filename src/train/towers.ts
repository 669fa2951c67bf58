import { architectureOf, type DetectorSize } from '../detector/config.js';
import type { Recipe } from '../losses/recipe.js';
import { InputError } from '../util/error.js';

/**
 * Whether a teacher's towers have convolutions for a student's features to pass (CrossKD).
 * @param size of the teacher; undefined: it was not trained with edgewise
 * @throws InputError that names the recipe's field and the remedy
 */
export function assertTowers(
  { name, cross }: Pick<Recipe, 'cross'> & { name?: string | undefined },
  size: DetectorSize | undefined,
): void {
  if (cross.convolutions === 0) return;
  if (size === undefined) {
    throw new InputError(
      `recipe ${name} sends the student's features through the teacher's head, which only a teacher trained with edgewise gives; take another recipe, such as bckd.`,
    );
  }
  const { tower } = architectureOf({ size });
  if (cross.convolutions < tower) return;
  const remedy = tower > 1 ? `set it to at most ${tower - 1}` : 'take a larger teacher';
  throw new InputError(
    `recipe ${name}: cross.convolutions is ${cross.convolutions}, but the towers of a ${size} teacher have ${tower} and the student's features come after the first at the earliest; ${remedy}.`,
  );
}
