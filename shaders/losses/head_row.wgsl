// What the passes of the head loss hand on. Lists of image b start at entry b · image_slots of the rows.

/// A listed location: a positive, a member of the VLR, or both. Positives come first, in the order of their ground truths.
/// Written by head_regions.wgsl.
struct Row {
  /// in the order of a pyramid of one channel
  location: u32,
  /// of a positive: ground truth << 16 | class; otherwise BACKGROUND, or IGNORED where the label does not count, and from
  /// head_vlr.wgsl on its loss of LD in the VLR, coded (head_coded.wgsl)
  assigned: u32,
  /// of a positive, from head_class.wgsl on: weight, the student's highest class probability
  score: f32,
  /// weight in the valuable localization region, 0 outside
  vlr: f32,
}

const BACKGROUND = 0xffffffffu;
const IGNORED = 0xfffffffeu;
const NONE = 0xffffffffu;

fn is_positive(row: Row) -> bool {
  return row.assigned < IGNORED;
}

// Counts of an image, as numbers: COUNTS of them.
const COUNT_POSITIVES = 0u;
const COUNT_ROWS = 1u;
/// Σ weight in the VLR
const COUNT_VLR_WEIGHT = 2u;
/// one a level: positives
const COUNT_LEVEL_POSITIVES = 3u;
/// one a level: size of the VLR
const COUNT_LEVEL_VLR = 11u;
const COUNTS = 19u;

// The table [locations] that the pass over all class logits reads: 0 background, 1 + class at a positive, with this bit where
// the label does not count.
const TABLE_IGNORED = 0x80000000u;
