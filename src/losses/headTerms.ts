import { BOX_TERM, DFL_TERM, LD_TERM, LD_VLR_TERM } from './headBoxes.js';
import { CLASS_TERM } from './headClass.js';
import { IMITATION_TERM } from './headImitation.js';
import { IOU_TERM } from './headIou.js';
import { KD_TERM, KD_VLR_TERM } from './headKd.js';
import type { HeadTerm } from './headTerm.js';

/** The terms, in the order of results. `npm run schemas` makes shaders/losses/terms.generated.wgsl (numbers, words of a record) of them. */
export const TERMS = [
  CLASS_TERM,
  BOX_TERM,
  DFL_TERM,
  LD_TERM,
  LD_VLR_TERM,
  KD_TERM,
  KD_VLR_TERM,
  IOU_TERM,
  IMITATION_TERM,
] as const satisfies readonly HeadTerm[];

/** One of `TERM_NAMES`. */
export type TermName = (typeof TERMS)[number]['name'];

/** The loss terms in the order of `terms`; the names are those of the reference implementation. */
export const TERM_NAMES: readonly TermName[] = TERMS.map(({ name }) => name);

/** What messages call the logits of a term's fault. */
export const FAULT_SOURCES = Object.fromEntries(TERMS.map(({ name, fault }) => [name, fault])) as Record<
  TermName,
  string
>;

/** Whether `cross` takes a term to the teacher's head. */
export function isCrossed(name: TermName): boolean {
  return name !== 'loss_im' && TERMS.some((term) => term.name === name && term.distils);
}
