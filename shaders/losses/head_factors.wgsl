// One workgroup, after head_class.wgsl, which finds the weights of positives: each term's weight over its normaliser, by level.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  /// bit l: a level of the teacher's teaches level l
  taught: u32,
  /// f32 of each term
  weights: array<vec4f, 2>,
  /// of each term, see head_normaliser.wgsl
  normalisers: array<vec4u, 2>,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
/// see head_records.wgsl
@group(0) @binding(2) var<storage, read> records: array<u32>;
@group(0) @binding(3) var<storage, read> samples: array<Sample>;
/// [terms, 8 levels]
@group(0) @binding(4) var<storage, read_write> factors: array<f32>;

/// Whether `taught` lacks a level.
override SKIPS: bool = false;

#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_place.wgsl"
#include "head_records.wgsl"
#include "head_normaliser.wgsl"

/// Of a lane's samples: weights of box and LD, and in the VLR of taught levels.
var<workgroup> lane_sums: array<vec3f, ROWS>;

fn is_taught(level: u32) -> bool {
  return ((params.taught >> level) & 1u) == 1u;
}

fn is_distillation(term: u32) -> bool {
  return term >= TERM_LD && term <= TERM_KD_VLR;
}

fn is_of_vlr(term: u32) -> bool {
  return term == TERM_LD_VLR || term == TERM_KD_VLR;
}

/// Σ weight of the term's samples.
fn weights_of(term: u32) -> f32 {
  var sum = 0.0;
  if (is_of_vlr(term) && !SKIPS) {
    for (var image = 0u; image < params.batch; image++) {
      sum += counts[image * COUNTS + COUNT_VLR_WEIGHT];
    }
    return sum;
  }
  for (var lane = 0u; lane < ROWS; lane++) {
    let own = lane_sums[lane];
    sum += select(select(own.x, own.y, term == TERM_LD), own.z, is_of_vlr(term));
  }
  return sum;
}

/// Samples of a distillation's region on a level, or on all that are taught.
fn region_size(term: u32, level: u32, on_all: bool) -> f32 {
  let first = select(COUNT_LEVEL_POSITIVES, COUNT_LEVEL_VLR, is_of_vlr(term));
  var sum = 0.0;
  for (var image = 0u; image < params.batch; image++) {
    for (var other = 0u; other < params.level_count; other++) {
      sum += select(0.0, counts[image * COUNTS + first + other], (on_all || other == level) && is_taught(other));
    }
  }
  return sum;
}

fn divisor_of(term: u32, level: u32) -> f32 {
  let normaliser = params.normalisers[term / 4u][term % 4u];
  switch normaliser {
    case NORMALISER_WEIGHTS: { return weights_of(term) + EPSILON; }
    case NORMALISER_CLAMPED_WEIGHTS: { return max(weights_of(term), 1.0); }
    case NORMALISER_REGION: { return region_size(term, level, true); }
    case NORMALISER_LEVEL: { return region_size(term, level, false); }
    default: { return divisor_of_counts(normaliser); }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var own = vec3f();
  let positives = count_before(params.batch, COUNT_POSITIVES);
  for (var i = local; i < positives; i += ROWS) {
    let record = RECORD * i;
    own += vec3f(bitcast<f32>(records[record + RECORD_BOX_WEIGHT]), bitcast<f32>(records[record + RECORD_LD_WEIGHT]), 0.0);
  }
  if (SKIPS) {
    for (var image = 0u; image < params.batch; image++) {
      for (var i = local; i < count_of(image, COUNT_SAMPLES); i += ROWS) {
        let sample = samples[image * params.image_slots + i];
        own.z += select(0.0, sample.vlr, is_taught(place_of(sample.location, image).level));
      }
    }
  }
  lane_sums[local] = own;
  workgroupBarrier();
  let term = local / 8u;
  let level = local % 8u;
  let divisor = divisor_of(term, level);
  // A region without samples has no loss, nor has distillation of a level that is not taught.
  let counts_here = divisor > 0.0 && (is_taught(level) || !is_distillation(term));
  factors[local] = select(0.0, params.weights[term / 4u][term % 4u] / divisor, counts_here);
}
