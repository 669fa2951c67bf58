// What the passes of the head loss know of a location; written by head_rows.wgsl, 32 bytes.
struct Row {
  /// matched ground truth, xyxy in strides; zeros where not positive
  box: vec4f,
  /// weight of a positive: the student's highest class probability
  score: f32,
  /// target of the quality focal loss: IoU of the decoded and the matched box
  quality: f32,
  /// weight in the valuable localization region, 0 outside
  vlr: f32,
  /// class (or the number of classes, for background), plus LABELLED where the label counts
  flags: u32,
}

const LABELLED = 0x80000000u;

fn row_label(row: Row) -> u32 {
  return row.flags & 0x7fffffffu;
}

// Rows of the table of partial losses and of the terms.
const TERM_CLS = 0u;
const TERM_BBOX = 1u;
const TERM_DFL = 2u;
const TERM_LD = 3u;
const TERM_LD_VLR = 4u;
const TERM_KD = 5u;
const TERM_KD_VLR = 6u;
const TERM_IMITATION = 7u;

// Factors (weight / normaliser) that head_factors.wgsl writes.
const FACTOR_CLS = 0u;
const FACTOR_BBOX = 1u;
const FACTOR_DFL = 2u;
const FACTOR_LD = 3u;
const FACTOR_LD_VLR = 4u;
/// From here on four entries a level: KD main, KD VLR, number of positives, size of the VLR.
const FACTOR_LEVELS = 8u;
