import type { Detector } from '../detector/detector.js';
import type { Recipe } from '../losses/recipe.js';

/** What a detector was trained by and on. */
export interface Provenance {
  /** What its bins mean. */
  recipe: Pick<Recipe, 'box' | 'regions'>;
  /** In the order of its class logits. */
  classes: readonly { name: string }[];
}

const known = new WeakMap<Detector, Provenance>();

/** Notes where a detector comes from: it holds weights alone. */
export function setProvenance(detector: Detector, provenance: Provenance): void {
  known.set(detector, provenance);
}

/** Where a detector comes from; empty where that is not known. */
export function provenanceOf(detector: Detector): Partial<Provenance> {
  return known.get(detector) ?? {};
}
