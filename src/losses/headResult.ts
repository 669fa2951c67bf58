import type { Assignment, AssignmentMaps } from '../regions/assignment.js';
import type { Pyramid } from '../tensor/pyramid.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TermName } from './headTerms.js';

/** Which locations learn what; each in the order of a pyramid of one channel (level, image, row-major). */
export interface HeadRegions extends AssignmentMaps {
  /** f32: 1 where features are imitated; null where the recipe does not imitate, or compares features everywhere. */
  imitation: Tensor | null;
}

/** The losses on the host. */
export interface HeadLossValues {
  /** The sum of all terms over all levels. */
  total: number;
  /** One value a level. */
  terms: Record<TermName, number[]>;
}

/** The result of `evaluate`; everything stays on the GPU until `read`. */
export interface HeadLossResult {
  /** [terms, levels], rows in the order of `TERM_NAMES`, weights included. */
  terms: Tensor;
  /** [1], the sum of the terms. */
  total: Tensor;
  /** Who learnt what: the caller's, or, until `dispose`, the result's. */
  assignment: Assignment;
  /** [9, levels] u32: ~index of the first location whose loss is not finite, 0 for none; for `HeadLoss.faultOf`. */
  faults: Tensor;
  /** Gradients of `total`; class and box logits have one tensor where the student's are one. */
  gradients: {
    /** Laid out as the student's class logits. */
    classLogits: Tensor;
    /** Laid out as the student's box logits. */
    boxLogits: Tensor;
    /** Null where the recipe does not imitate features. */
    features: Pyramid | null;
    /** Of the logits given as `cross`; null where none are, or `distillation` is 0. */
    cross: {
      /** Laid out as its class logits. */
      classLogits: Tensor;
      /** Laid out as its box logits. */
      boxLogits: Tensor;
    } | null;
  };
  /** Records maps of the assignment that was used, to look at. The caller disposes them, but for `imitation`, which is the result's. */
  regions(): HeadRegions;
  /** Reads the losses. @throws DeviceError that names term, level and image where a loss is not finite */
  read(): Promise<HeadLossValues>;
  /** Gives the result's memory back; the caller's tensors for gradients stay the caller's. */
  dispose(): void;
}
