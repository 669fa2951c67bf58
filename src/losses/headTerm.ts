import { constants as normalisers } from '../../shaders/losses/head_normaliser.wgsl';
import type { SamplePass } from './headSamples.js';
import { type HeadSetting, stepImages } from './headSetting.js';
import type { Recipe } from './recipe.js';

const NORMALISERS = {
  none: normalisers.NORMALISER_NONE,
  images: normalisers.NORMALISER_IMAGES,
  positives: normalisers.NORMALISER_POSITIVES,
  scores: normalisers.NORMALISER_SCORES,
  weights: normalisers.NORMALISER_WEIGHTS,
  'clamped-weights': normalisers.NORMALISER_CLAMPED_WEIGHTS,
  region: normalisers.NORMALISER_REGION,
  level: normalisers.NORMALISER_LEVEL,
  differences: normalisers.NORMALISER_DIFFERENCES,
  'teacher-scores': normalisers.NORMALISER_TEACHER_SCORES,
  decoupled: normalisers.NORMALISER_DECOUPLED,
};

/** A term of the head loss: an entry of `TERMS`. */
export interface HeadTerm {
  /** `loss_` and the name in WGSL: `loss_ld` is TERM_LD. As in the reference implementation, where that has the term. */
  readonly name: `loss_${string}`;
  /** Title of its curve in reports. */
  readonly curve: string;
  /** What a message calls the logits of its fault. */
  readonly fault: string;
  /** Whether it needs a teacher. */
  readonly distils: boolean;
  /** Whether it is of the VLR; the others are of the positives, or of all locations. */
  readonly ofVlr?: true;
  /** Whether no sample has a loss of its own. Such terms are the last of the list. */
  readonly unrecorded?: true;
  /** Weight and normaliser; a weight of 0 switches the term off. */
  scale(recipe: Recipe, classes: number): NamedScale;
  /** Records its pass over samples, after class and box loss, where the recipe has the term. A pass may do several terms. */
  pass?(pass: SamplePass): void;
}

/** Multiplier and divisor of a term's sum. */
export interface NamedScale {
  weight: number;
  normaliser: keyof typeof NORMALISERS;
  /** Whether a level without positives has no loss. */
  needsPositives?: boolean;
}

/** The same with the normaliser's number in shaders/losses/head_normaliser.wgsl. */
export interface Scale {
  weight: number;
  normaliser: number;
  needsPositives: boolean;
}

/** Multiplier and divisor of a term in a step. */
export function scaleOf(term: HeadTerm, setting: HeadSetting): Scale {
  const { recipe, classes, distillation } = setting;
  return numbered(term.scale(recipe, classes), batchScale(setting) * (term.distils ? distillation : 1));
}

/** The scale with the number of its normaliser. @param factor of the weight */
export function numbered({ weight, normaliser, needsPositives = false }: NamedScale, factor: number): Scale {
  return { weight: weight * factor, normaliser: NORMALISERS[normaliser], needsPositives };
}

const WEIGHED = [
  NORMALISERS.weights,
  NORMALISERS['clamped-weights'],
  NORMALISERS.differences,
  NORMALISERS['teacher-scores'],
];

/** Whether a term is divided by a sum of weights, found by the passes over the logits. */
export function needsWeights({ weight, normaliser }: Scale): boolean {
  return weight > 0 && WEIGHED.includes(normaliser);
}

/** Of a term of all locations: Σ weight over these in place of the positives. */
export function overAll(scale: NamedScale, weights: string): NamedScale {
  if (scale.normaliser !== 'weights') return scale;
  return { ...scale, normaliser: weights === 'teacher-score' ? 'teacher-scores' : 'differences' };
}

/** What every term is multiplied by. */
export function batchScale(setting: Pick<HeadSetting, 'recipe' | 'batch' | 'shares'>): number {
  return setting.recipe.scale === 'batch' ? stepImages(setting) : 1;
}
