import { constants as normalisers } from '../../shaders/losses/head_normaliser.wgsl';
import type { HeadSetting } from './headSetting.js';
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
};

/** What a term's sum is divided by, as shaders/losses/head_normaliser.wgsl numbers it, and multiplied by. */
export interface Scale {
  weight: number;
  normaliser: number;
}

/** A term of the head loss. */
interface HeadTerm {
  /** The reference implementation's. */
  name: TermName;
  /** Where the logits of its fault lie, for the message. */
  fault: string;
  /** Whether it compares with a teacher. */
  distils: boolean;
  scale(recipe: Recipe): { weight: number; normaliser: keyof typeof NORMALISERS };
}

/** LD's mean over four edges; the reference divides by 4 and by 16 in place of a sum of weights. */
function ldScale(weight: number, { normaliser }: Recipe['ld'], reference: number) {
  if (normaliser === 'reference') return { weight: weight / reference, normaliser: 'none' } as const;
  return { weight: normaliser === 'none' ? weight : weight / 4, normaliser } as const;
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
    scale: ({ ld }) => ldScale(ld.main, ld, 4),
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
    scale: ({ kd: { main, normaliser } }) => ({ weight: main, normaliser }),
  },
  {
    name: 'loss_kd_neg',
    fault: "the student's or the teacher's class logits",
    distils: true,
    scale: ({ kd: { vlr, normaliser } }) => ({ weight: vlr, normaliser }),
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
  | 'loss_im';

/** The loss terms in the order of `terms`; the names are those of the reference implementation. */
export const TERM_NAMES: readonly TermName[] = TERMS.map(({ name }) => name);

/** Where the logits of a term's fault lie, for the message. */
export const FAULT_SOURCES = Object.fromEntries(TERMS.map(({ name, fault }) => [name, fault])) as Record<
  TermName,
  string
>;

/** Weight and normaliser of each term, in the order of `TERM_NAMES`. */
export function scalesOf({ recipe, batch, distillation }: HeadSetting): Scale[] {
  const all = batchScale(recipe, batch);
  return TERMS.map((term) => {
    const { weight, normaliser } = term.scale(recipe);
    return { weight: weight * all * (term.distils ? distillation : 1), normaliser: NORMALISERS[normaliser] };
  });
}

/** What every term is multiplied by. */
export function batchScale({ scale }: Recipe, batch: number): number {
  return scale === 'batch' ? batch : 1;
}
