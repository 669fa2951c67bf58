// An assignment: who learns what. Samples of image b start at entry b · image_slots.

/// A location that learns boxes: a positive, a member of the VLR, or both. Positives come first, in the order of their objects.
struct Sample {
  /// in the order of a pyramid of one channel
  location: u32,
  /// of a positive: target box << 16 | class; otherwise BACKGROUND, or IGNORED where the label does not count
  assigned: u32,
  /// target score of a positive, 0 elsewhere
  score: f32,
  /// weight in the valuable localization region, 0 outside
  vlr: f32,
}

const BACKGROUND = 0xffffffffu;
const IGNORED = 0xfffffffeu;
const NONE = 0xffffffffu;

/// In place of a positive's score while it is open which of several objects takes it.
const CONTESTED = -1.0;

fn is_positive(sample: Sample) -> bool {
  return sample.assigned < IGNORED;
}

// An image's counts.
const COUNT_POSITIVES = 0u;
const COUNT_SAMPLES = 1u;
/// Σ weight in the VLR
const COUNT_VLR_WEIGHT = 2u;
/// Σ target score
const COUNT_SCORES = 3u;
/// one a level: positives
const COUNT_LEVEL_POSITIVES = 4u;
/// one a level: size of the VLR
const COUNT_LEVEL_VLR = 12u;
const COUNTS = 20u;

// An entry of the table [locations], for passes over every location: 0 background, 1 + class at a positive, with this bit where the label
// does not count.
const TABLE_IGNORED = 0x80000000u;

fn is_positive_entry(entry: u32) -> bool {
  return entry > 0u && entry < TABLE_IGNORED;
}
