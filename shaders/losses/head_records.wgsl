// What the passes over samples write of each, for head_terms.wgsl to add up. Every sample has its own words: a barrier, and whoever
// adds up within a workgroup, would cost software adapters more.

#include "terms.generated.wgsl"

// Of each positive, in the order of the lists, RECORD words: coded losses (head_coded.wgsl) by term, then the bits of its expected
// edges, in bins, and of its weights.
const RECORD_BITS = 7u;
const RECORD = RECORDED + RECORD_BITS;
const RECORD_EDGES = RECORDED;
/// of the box losses, of LD, and of IoU distillation
const RECORD_BOX_WEIGHT = RECORDED + 4u;
const RECORD_LD_WEIGHT = RECORDED + 5u;
const RECORD_IOU_WEIGHT = RECORDED + 6u;

// From `params.other_records` on, where there is distillation in the VLR, of each other sample OTHER words: its coded losses.
const OTHER = 2u;
const OTHER_LD = 0u;
const OTHER_KD = 1u;

/// Word of a sample's factor in `factors`: a term's weight over its normaliser, by term and level.
fn factor_at(term: u32, level: u32) -> u32 {
  return 8u * term + level;
}
