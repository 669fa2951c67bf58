import type { DetectionNet } from '../detector/net.js';
import type { Recipe } from '../losses/recipe.js';
import type { StudentRecord } from './student.js';

/** What a net was trained by and on. */
export interface Provenance {
  /** What its bins mean. */
  recipe: Pick<Recipe, 'box' | 'regions'>;
  /** In the order of its class logits. */
  classes: readonly { name: string }[];
  /** What it is made from, where it is no detector of this package. */
  student?: StudentRecord;
}

const known = new WeakMap<DetectionNet, Provenance>();

/** Notes where a net comes from, which holds weights alone. */
export function setProvenance(net: DetectionNet, { recipe, classes, student }: Provenance): void {
  known.set(net, { recipe, classes, ...(student && { student }) });
}

/** Where a net comes from; empty where that is not known. */
export function provenanceOf(net: DetectionNet): Partial<Provenance> {
  return known.get(net) ?? {};
}
