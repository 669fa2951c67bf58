/** The loss terms in the order of `terms`; the names are those of the reference implementation. */
export const TERM_NAMES = [
  'loss_cls',
  'loss_bbox',
  'loss_dfl',
  'loss_ld',
  'loss_ld_vlr',
  'loss_kd',
  'loss_kd_neg',
  'loss_im',
] as const;
/** One of `TERM_NAMES`. */
export type TermName = (typeof TERM_NAMES)[number];

/** Where the logits of a term's fault lie, for the message. */
export const FAULT_SOURCES: Record<TermName, string> = {
  loss_cls: "the student's class logits",
  loss_bbox: "the student's logits",
  loss_dfl: "the student's logits",
  loss_ld: "the student's or the teacher's box logits",
  loss_ld_vlr: "the student's or the teacher's box logits",
  loss_kd: "the student's or the teacher's class logits",
  loss_kd_neg: "the student's or the teacher's class logits",
  loss_im: "the student's or the teacher's features",
};
