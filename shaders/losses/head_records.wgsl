// What the passes over samples leave for head_terms.wgsl to add up. Every sample has its own words: a barrier and sums within a
// workgroup would cost software adapters more.

#include "terms.generated.wgsl"

// RECORD words of each positive, in list order: coded losses (head_coded.wgsl) by term, then the bits of expected edges, in
// bins, and weights.
const RECORD_BITS = 7u;
const RECORD = RECORDED + RECORD_BITS;
const RECORD_EDGES = RECORDED;
/// of the box losses, of LD, and of IoU distillation
const RECORD_BOX_WEIGHT = RECORDED + 4u;
const RECORD_LD_WEIGHT = RECORDED + 5u;
const RECORD_IOU_WEIGHT = RECORDED + 6u;

// OTHER words of each other sample from `params.other_records` on, where the VLR is distilled: its coded losses.
const OTHER = 2u;
const OTHER_LD = 0u;
const OTHER_KD = 1u;

/// Element of `factors`, which is by term and level.
fn factor_at(term: u32, level: u32) -> u32 {
  return 8u * term + level;
}
