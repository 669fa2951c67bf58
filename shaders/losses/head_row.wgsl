// What the passes of the head loss hand on. Lists of image b start at entry b · image_slots of the rows.

/// A listed location: a positive, a member of the VLR, or both. Positives come first, in the order of their ground truths.
/// Written by head_regions.wgsl.
struct Row {
  /// in the order of a pyramid of one channel
  location: u32,
  /// of a positive: ground truth << 16 | class; otherwise BACKGROUND, or IGNORED where the label does not count
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

/// On levels of whole quads (four neighbouring locations of one vec4) the VLR is listed by quads, from entry image_rows of the
/// image on: two rows each, with the first location, a bit for each location that is a positive (it has its own row), and the
/// four weights in the places of score and vlr. These are the weights, 0 where a location is a positive or not in the VLR.
fn quad_weights(first: Row, second: Row) -> vec4f {
  return vec4f(first.score, first.vlr, second.score, second.vlr);
}

// Counts of an image, as numbers: COUNTS of them.
const COUNT_POSITIVES = 0u;
const COUNT_ROWS = 1u;
/// Σ weight in the VLR
const COUNT_VLR_WEIGHT = 2u;
const COUNT_QUADS = 3u;
/// one a level: positives
const COUNT_LEVEL_POSITIVES = 4u;
/// one a level: size of the VLR
const COUNT_LEVEL_VLR = 12u;
const COUNTS = 20u;

// The table [locations] that the pass over all class logits reads: 0 background, 1 + class at a positive, with this bit where
// the label does not count.
const TABLE_IGNORED = 0x80000000u;
