// One workgroup, after head_class.wgsl has found the positives' weights: each term's weight over its normaliser, by level.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  /// bit l: a level of the teacher's teaches level l
  taught: u32,
  /// invocations of the pass over all class logits, see head_stream_sum.wgsl
  stream_count: u32,
  /// 1 where that pass weighed the locations
  weighed: u32,
  /// (weight, normaliser of head_normaliser.wgsl, 1: nothing on a level without positives, unused) of each term
  scales: array<vec4f, TERMS>,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
@group(0) @binding(2) var<storage, read> records: array<u32>;
@group(0) @binding(3) var<storage, read> samples: array<Sample>;
/// partial sums, where locations are weighed
@group(0) @binding(4) var<storage, read> stream: array<u32>;
/// [terms + 1, 8 levels]: in the last row Σ weight of each kind, where processes share the step
@group(0) @binding(5) var<storage, read_write> factors: array<f32>;

/// Whether some level is not taught.
override SKIPS: bool = false;
/// 1: only leaves this process's sums of weights in the last row of `factors`; 2: takes those of all processes from there.
override SHARED: u32 = 0u;

/// Eight reads are under way at once, since a GPU waits long for each; the sums are the same.
override AHEAD: bool = false;

#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_place.wgsl"
#include "head_records.wgsl"
#include "head_normaliser.wgsl"
#include "head_matched.wgsl"
#include "head_stream_sum.wgsl"

/// By lane: weights of box, LD and IoU distillation, and in the VLR of taught levels.
var<workgroup> lane_sums: array<vec4f, ROWS>;
/// By lane and kind of weight.
var<workgroup> location_sums: array<vec2f, ROWS>;

/// Kinds of weights: four of `lane_sums`, two of `location_sums`.
const LOCATION_KINDS = 4u;
const KINDS = 6u;
const SHARED_SUMS = 8u * TERMS;

fn own_sum(kind: u32) -> f32 {
  var sum = 0.0;
  for (var lane = 0u; lane < ROWS; lane++) {
    if (kind < LOCATION_KINDS) {
      sum += lane_sums[lane][kind];
    } else {
      sum += location_sums[lane][kind - LOCATION_KINDS];
    }
  }
  return sum;
}

fn sum_of(kind: u32) -> f32 {
  if (SHARED == 2u) {
    return factors[SHARED_SUMS + kind];
  }
  return own_sum(kind);
}

fn is_taught(level: u32) -> bool {
  return ((params.taught >> level) & 1u) == 1u;
}

fn is_distillation(term: u32) -> bool {
  return ((DISTILLATION_TERMS >> term) & 1u) == 1u;
}

fn is_of_vlr(term: u32) -> bool {
  return ((VLR_TERMS >> term) & 1u) == 1u;
}

fn weights_of(term: u32) -> f32 {
  if (is_of_vlr(term) && !SKIPS) {
    var sum = 0.0;
    for (var image = 0u; image < counted_images(); image++) {
      sum += counts[image * COUNTS + COUNT_VLR_WEIGHT];
    }
    return sum;
  }
  var kind = select(select(0u, 1u, term == TERM_LD), 2u, term == TERM_LD_IOU);
  return sum_of(select(kind, 3u, is_of_vlr(term)));
}

/// Samples of a distillation's region on a level, or on all taught ones.
fn region_size(term: u32, level: u32, on_all: bool) -> f32 {
  let first = select(COUNT_LEVEL_POSITIVES, COUNT_LEVEL_VLR, is_of_vlr(term));
  var sum = 0.0;
  for (var image = 0u; image < counted_images(); image++) {
    for (var other = 0u; other < params.level_count; other++) {
      sum += select(0.0, counts[image * COUNTS + first + other], (on_all || other == level) && is_taught(other));
    }
  }
  return sum;
}

fn divisor_of(term: u32, level: u32) -> f32 {
  let normaliser = u32(params.scales[term].y);
  switch normaliser {
    case NORMALISER_WEIGHTS: { return weights_of(term) + EPSILON; }
    case NORMALISER_CLAMPED_WEIGHTS: { return max(weights_of(term), 1.0); }
    case NORMALISER_REGION: { return region_size(term, level, true); }
    case NORMALISER_LEVEL: { return region_size(term, level, false); }
    case NORMALISER_DIFFERENCES: { return sum_of(LOCATION_KINDS) + EPSILON; }
    case NORMALISER_TEACHER_SCORES: { return sum_of(LOCATION_KINDS + 1u) + EPSILON; }
    case NORMALISER_DECOUPLED: {
      let roots = sqrt(matched_and_others());
      return roots.y * (roots.x + roots.y);
    }
    default: { return divisor_of_counts(normaliser); }
  }
}

/// Of a positive: weights of box, LD and IoU distillation.
fn positive_weights(i: u32) -> vec3f {
  let record = RECORD * i;
  return bitcast<vec3f>(vec3u(records[record + RECORD_BOX_WEIGHT], records[record + RECORD_LD_WEIGHT], records[record + RECORD_IOU_WEIGHT]));
}

/// What an invocation of the pass over all class logits has found.
fn location_weights(i: u32) -> vec2f {
  return bitcast<vec2f>(vec2u(stream[SUM_WEIGHTS * params.stream_count + i], stream[(SUM_WEIGHTS + 1u) * params.stream_count + i]));
}

/// Every ROWS-th, one after another.
fn positive_sum(count: u32, local: u32) -> vec3f {
  var sum = vec3f();
  var i = local;
  while (AHEAD && i + 7u * ROWS < count) {
    var weights: array<vec3f, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      weights[k] = positive_weights(i + k * ROWS);
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      sum += weights[k];
    }
    i += 8u * ROWS;
  }
  for (; i < count; i += ROWS) {
    sum += positive_weights(i);
  }
  return sum;
}

fn location_sum(count: u32, local: u32) -> vec2f {
  var sum = vec2f();
  var i = local;
  while (AHEAD && i + 7u * ROWS < count) {
    var weights: array<vec2f, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      weights[k] = location_weights(i + k * ROWS);
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      sum += weights[k];
    }
    i += 8u * ROWS;
  }
  for (; i < count; i += ROWS) {
    sum += location_weights(i);
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var own = vec4f(positive_sum(count_before(params.batch, COUNT_POSITIVES), local), 0.0);
  if (SKIPS) {
    for (var image = 0u; image < params.batch; image++) {
      for (var i = local; i < count_of(image, COUNT_SAMPLES); i += ROWS) {
        let sample = samples[image * params.image_slots + i];
        own.w += select(0.0, sample.vlr, is_taught(place_of(sample.location, image).level));
      }
    }
  }
  lane_sums[local] = own;
  location_sums[local] = location_sum(params.weighed * params.stream_count, local);
  workgroupBarrier();
  if (SHARED == 1u) {
    if (local < KINDS) {
      factors[SHARED_SUMS + local] = own_sum(local);
    }
    return;
  }
  for (var i = local; i < 8u * TERMS; i += ROWS) {
    let term = i / 8u;
    let level = i % 8u;
    let scale = params.scales[term];
    let divisor = divisor_of(term, level);
    // No loss: a region without samples, or distillation of a level that is not taught.
    let is_off = scale.z == 1.0 && positives_on(level) == 0.0;
    let counts_here = divisor > 0.0 && !is_off && (is_taught(level) || !is_distillation(term));
    factors[i] = select(0.0, scale.x / divisor, counts_here);
  }
}
