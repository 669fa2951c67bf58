// Made of TERMS in src/losses/headTerms.ts by `npm run schemas`; not to be edited.

const TERM_CLS = 0u;
const TERM_BBOX = 1u;
const TERM_DFL = 2u;
const TERM_LD = 3u;
const TERM_LD_VLR = 4u;
const TERM_KD = 5u;
const TERM_KD_NEG = 6u;
const TERM_LD_IOU = 7u;
const TERM_IM = 8u;
const TERMS = 9u;
/// The first of them, which have losses of single samples.
const RECORDED = 8u;
// A bit a term: whether it compares with a teacher, and whether it is of the VLR.
const DISTILLATION_TERMS = 504u;
const VLR_TERMS = 80u;
