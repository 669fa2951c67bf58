// What the sum of a term is divided by. Needs ../regions/sample.wgsl and the binding `counts`.

const NORMALISER_NONE = 0u;
/// images, each of which counts its positives, but at least one
const NORMALISER_IMAGES = 1u;
/// positives, at least one
const NORMALISER_POSITIVES = 2u;
/// Σ target score, at least 1 (Ultralytics)
const NORMALISER_SCORES = 3u;
/// Σ weight of the region's samples
const NORMALISER_WEIGHTS = 4u;
/// the same, at least 1 (NanoDet-Plus)
const NORMALISER_CLAMPED_WEIGHTS = 5u;
/// samples of the region
const NORMALISER_REGION = 6u;
/// samples of the region on the level
const NORMALISER_LEVEL = 7u;
/// Σ over all locations of max_c |σ(teacher) − σ(student)|, and of max_c σ(teacher)
const NORMALISER_DIFFERENCES = 8u;
const NORMALISER_TEACHER_SCORES = 9u;
/// √Q (√P + √Q) for P positives and Q others: with positives weighing √(Q / P) times as much, the sum is the mean of both means in the
/// ratio √P : √Q (D-FINE, Peng et al., ICLR 2025)
const NORMALISER_DECOUPLED = 10u;

/// Added to Σ weight by the reference, so that a batch without positives is not divided by zero.
const EPSILON = 1e-6;

#include "head_images.wgsl"

fn positives_on(level: u32) -> f32 {
  var sum = 0.0;
  for (var image = 0u; image < counted_images(); image++) {
    sum += counts[image * COUNTS + COUNT_LEVEL_POSITIVES + level];
  }
  return sum;
}

/// Of one of the first four, which the assignment alone decides.
fn divisor_of_counts(normaliser: u32) -> f32 {
  var images = 0.0;
  var positives = 0.0;
  var scores = 0.0;
  for (var image = 0u; image < counted_images(); image++) {
    let own = counts[image * COUNTS + COUNT_POSITIVES];
    images += max(own, 1.0);
    positives += own;
    scores += counts[image * COUNTS + COUNT_SCORES];
  }
  switch normaliser {
    case NORMALISER_IMAGES: { return images; }
    case NORMALISER_POSITIVES: { return max(positives, 1.0); }
    case NORMALISER_SCORES: { return max(scores, 1.0); }
    default: { return 1.0; }
  }
}
