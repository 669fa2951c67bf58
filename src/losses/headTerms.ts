import { constants as normalisers } from '../../shaders/losses/head_normaliser.wgsl';
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
type Normaliser = keyof typeof NORMALISERS;

/** What a term's sum is divided by, as shaders/losses/head_normaliser.wgsl numbers it, and multiplied by. */
export interface Scale {
  weight: number;
  normaliser: number;
  /** Whether a level without positives has no loss. */
  needsPositives: boolean;
}

/** The same by name. */
interface NamedScale {
  weight: number;
  normaliser: Normaliser;
  needsPositives?: boolean;
}

/** A term of the head loss. */
interface HeadTerm {
  /** The reference implementation's. */
  name: TermName;
  /** Where the logits of its fault lie, for the message. */
  fault: string;
  /** Whether it compares with a teacher. */
  distils: boolean;
  scale(recipe: Recipe, classes: number): NamedScale;
}

/** LD's mean over four edges; the reference divides by 4 and by 16 in place of a sum of weights. */
function ldScale(weight: number, { normaliser }: Recipe['ld'], reference: number): NamedScale {
  if (normaliser === 'reference') return { weight: weight / reference, normaliser: 'none' };
  return { weight: normaliser === 'none' ? weight : weight / 4, normaliser };
}

/** Σ weight over all locations in place of the positives. */
function overAll(scale: NamedScale, weights: string): NamedScale {
  if (scale.normaliser !== 'weights') return scale;
  return { ...scale, normaliser: weights === 'teacher-score' ? 'teacher-scores' : 'differences' };
}

/** Classes of COCO, for which the published weights were found. */
const PUBLISHED_CLASSES = 80;

function kdScale(weight: number, { form, weightPer, normaliser, needsPositives }: Recipe['kd'], classes: number) {
  const isMean = form !== 'focal-binary';
  const share = weightPer === 'classes' && isMean ? classes / PUBLISHED_CLASSES : 1;
  return { weight: weight * share, normaliser, needsPositives };
}

/** The terms, in the order of shaders/losses/head_records.wgsl. */
const TERMS: readonly HeadTerm[] = [
  {
    name: 'loss_cls',
    fault: "the student's class logits",
    distils: false,
    scale: ({ classification }) => classification,
  },
  {
    name: 'loss_bbox',
    fault: "the student's logits",
    distils: false,
    scale: ({ box }) => box,
  },
  {
    name: 'loss_dfl',
    fault: "the student's logits",
    distils: false,
    scale: ({ box: { normaliser }, dfl: { weight } }) => ({ weight: weight / 4, normaliser }),
  },
  {
    name: 'loss_ld',
    fault: "the student's or the teacher's box logits",
    distils: true,
    scale: ({ ld }) => (ld.all > 0 ? overAll(ldScale(ld.all, ld, 4), ld.weights) : ldScale(ld.main, ld, 4)),
  },
  {
    name: 'loss_ld_vlr',
    fault: "the student's or the teacher's box logits",
    distils: true,
    scale: ({ ld }) => ldScale(ld.vlr, ld, 16),
  },
  {
    name: 'loss_kd',
    fault: "the student's or the teacher's class logits",
    distils: true,
    scale: ({ kd }, classes) => kdScale(kd.main, kd, classes),
  },
  {
    name: 'loss_kd_neg',
    fault: "the student's or the teacher's class logits",
    distils: true,
    scale: ({ kd }, classes) => kdScale(kd.vlr, kd, classes),
  },
  {
    name: 'loss_ld_iou',
    fault: "the student's or the teacher's logits",
    distils: true,
    scale: ({ iouLd }) => (iouLd.region === 'all' ? overAll(iouLd, iouLd.weights) : iouLd),
  },
  {
    name: 'loss_im',
    fault: "the student's or the teacher's features (or the class logits that weight them)",
    distils: true,
    scale: ({ imitation: { weight } }) => ({ weight, normaliser: 'none' }),
  },
];

/** One of `TERM_NAMES`. */
export type TermName =
  | 'loss_cls'
  | 'loss_bbox'
  | 'loss_dfl'
  | 'loss_ld'
  | 'loss_ld_vlr'
  | 'loss_kd'
  | 'loss_kd_neg'
  | 'loss_ld_iou'
  | 'loss_im';

/** The loss terms in the order of `terms`; the names are those of the reference implementation. */
export const TERM_NAMES: readonly TermName[] = TERMS.map(({ name }) => name);

/** Where the logits of a term's fault lie, for the message. */
export const FAULT_SOURCES = Object.fromEntries(TERMS.map(({ name, fault }) => [name, fault])) as Record<
  TermName,
  string
>;

/** Whether a term compares predictions with a teacher's, which `cross` takes to its head. */
export function isCrossed(name: TermName): boolean {
  return name !== 'loss_im' && TERMS.some((term) => term.name === name && term.distils);
}

/** Weight and normaliser of each term, in the order of `TERM_NAMES`. */
export function scalesOf(setting: HeadSetting): Scale[] {
  const { recipe, classes, distillation } = setting;
  const all = batchScale(setting);
  return TERMS.map((term) => numbered(term.scale(recipe, classes), all * (term.distils ? distillation : 1)));
}

function numbered({ weight, normaliser, needsPositives = false }: NamedScale, factor: number): Scale {
  return { weight: weight * factor, normaliser: NORMALISERS[normaliser], needsPositives };
}

/** Whether a term is divided by a sum of weights, which the passes over the logits find. */
export function needsWeights(setting: HeadSetting): boolean {
  return scalesOf(setting).some(({ weight, normaliser }) => weight > 0 && WEIGHED.includes(normaliser));
}

const WEIGHED = [
  NORMALISERS.weights,
  NORMALISERS['clamped-weights'],
  NORMALISERS.differences,
  NORMALISERS['teacher-scores'],
];

/** What the sum of class distillation over all locations is divided by and, by level, multiplied by. */
export function kdAllScale(setting: HeadSetting): Scale & { weights: number[] } {
  const { recipe, classes, grid, distillation, teacher } = setting;
  const { normaliser, ...rest } = kdScale(recipe.kd.all, recipe.kd, classes);
  const isCount = normaliser === 'level' || normaliser === 'region';
  const factor = batchScale(setting) * distillation;
  const scale = numbered({ ...rest, normaliser: isCount ? 'none' : normaliser }, factor);
  const areas = grid.areas.map((area, level) => (teacher.levels[level] ? area : 0));
  const all = areas.reduce((sum, area) => sum + area, 0);
  const weights = areas.map((area) => {
    if (area === 0) return 0;
    return scale.weight / (isCount ? stepImages(setting) * (normaliser === 'level' ? area : all) : 1);
  });
  return { ...scale, weights };
}

/** What every term is multiplied by. */
export function batchScale(setting: Pick<HeadSetting, 'recipe' | 'batch' | 'shares'>): number {
  return setting.recipe.scale === 'batch' ? stepImages(setting) : 1;
}
