import { brief } from '../util/brief.js';
import { counted } from '../util/counts.js';
import type { Category } from './groundTruth.js';

/** A category as its file has it. */
export interface GivenCategory extends Category {
  /** `supercategory`. */
  parent: string | null;
}

/**
 * Leaves out the parent of all classes that Roboflow lists as a category of its own: one that no annotation has, whose name is
 * the supercategory of another, and that has no parent among the categories itself.
 * @param used ids of the categories that annotations have
 * @param known names that stay, as another split or a model has them
 */
export function withoutParents(
  given: readonly GivenCategory[],
  used: ReadonlySet<number>,
  known: readonly string[],
): { categories: Category[]; notices: string[] } {
  const namesake = (one: GivenCategory) => given.some((other) => other !== one && other.name === one.name);
  const children = (one: GivenCategory) => given.filter((other) => other !== one && other.parent === one.name);
  const hasParent = (one: GivenCategory) => given.some((other) => other !== one && other.name === one.parent);
  const isLeftOut = (one: GivenCategory) =>
    !used.has(one.id) && children(one).length > 0 && !hasParent(one) && (namesake(one) || !known.includes(one.name));
  return {
    categories: given.filter((one) => !isLeftOut(one)).map(({ id, name }) => ({ id, name })),
    notices: given
      .filter(isLeftOut)
      .map(
        (one) =>
          `category ${brief(one.name)} (id ${one.id}) is left out: no annotation has it, and it is only the parent of ${counted(children(one).length, 'other')}`,
      ),
  };
}
