import { BOX_TERM, DFL_TERM, LD_TERM, LD_VLR_TERM } from './headBoxes.js';
import { CLASS_TERM } from './headClass.js';
import { IMITATION_TERM } from './headImitation.js';
import { IOU_TERM } from './headIou.js';
import { KD_TERM, KD_VLR_TERM } from './headKd.js';
import type { HeadTerm } from './headTerm.js';

/**
 * The terms, in the order of results. Names, faults, report curves and shaders/losses/terms.generated.wgsl (numbers, words of a sample's
 * record) come from this list: after a change run `npm run schemas`.
 */
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

/** Where the logits of a term's fault lie, for the message. */
export const FAULT_SOURCES = Object.fromEntries(TERMS.map(({ name, fault }) => [name, fault])) as Record<
  TermName,
  string
>;

/** Whether a term compares predictions with a teacher's, which `cross` takes to its head. */
export function isCrossed(name: TermName): boolean {
  return name !== 'loss_im' && TERMS.some((term) => term.name === name && term.distils);
}
