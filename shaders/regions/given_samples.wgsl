// The samples of a given assignment, one workgroup an image: positives, then other members of the VLR, each in order of location. An
// invocation takes a run of locations, first to count and then to write, so that one barrier is enough.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  classes: u32,
  /// of an image
  locations: u32,
  /// 1 where what is given lies level by level, 0 where image by image
  by_level: u32,
  /// positives of an image that have a target; what is given beyond is ignored
  image_positives: u32,
  /// 1 where there are weights, target scores, VLR weights
  has_weights: u32,
  has_scores: u32,
  has_vlr: u32,
  levels: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [B · A]: class; any other number is background
@group(0) @binding(1) var<storage, read> labels: array<i32>;
/// [B · A]: 0 where the label does not count
@group(0) @binding(2) var<storage, read> weights: array<f32>;
/// [B · A]: target score of a positive
@group(0) @binding(3) var<storage, read> scores: array<f32>;
/// [B · A]: weight in the VLR, 0 outside
@group(0) @binding(4) var<storage, read> vlr: array<f32>;
@group(0) @binding(5) var<storage, read_write> table: array<u32>;
/// [B, image_slots]; the class alone in `assigned`
@group(0) @binding(6) var<storage, read_write> samples: array<Sample>;
@group(0) @binding(7) var<storage, read_write> counts: array<f32>;

const SIZE = 64u;

#include "sample.wgsl"
#include "count_samples.wgsl"

/// positives and other members in each invocation's run
var<workgroup> run_counts: array<vec2u, SIZE>;

/// Location `i` of an image, level by level, in the order of a pyramid of one channel.
fn location_in(image: u32, i: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && i >= params.levels[level + 1u].x) {
    level++;
  }
  let entry = params.levels[level];
  return params.batch * entry.x + image * entry.y * entry.z + i - entry.x;
}

fn given_index(location: u32, image: u32, i: u32) -> u32 {
  return select(image * params.locations + i, location, params.by_level == 1u);
}

struct Given {
  assigned: u32,
  vlr: f32,
}

fn given_at(index: u32) -> Given {
  let label = labels[index];
  let counted = params.has_weights == 0u || weights[index] != 0.0;
  let positive = counted && label >= 0 && label < i32(params.classes);
  let assigned = select(select(IGNORED, BACKGROUND, counted), u32(label), positive);
  return Given(assigned, select(0.0, vlr[index * params.has_vlr], params.has_vlr == 1u));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  let share = (params.locations + SIZE - 1u) / SIZE;
  let begin = min(local * share, params.locations);
  let end = min(begin + share, params.locations);
  var own = vec2u();
  for (var i = begin; i < end; i++) {
    let given = given_at(given_index(location_in(image, i), image, i));
    let positive = given.assigned < IGNORED;
    own += select(vec2u(0u, u32(given.vlr > 0.0)), vec2u(1u, 0u), positive);
  }
  run_counts[local] = own;
  workgroupBarrier();
  var before = vec2u();
  var total = vec2u();
  for (var l = 0u; l < SIZE; l++) {
    before += select(vec2u(), run_counts[l], l < local);
    total += run_counts[l];
  }
  let positives = min(total.x, params.image_positives);
  var place = before;
  for (var i = begin; i < end; i++) {
    let location = location_in(image, i);
    let index = given_index(location, image, i);
    let given = given_at(index);
    let positive = given.assigned < IGNORED;
    let kept = positive && place.x < params.image_positives;
    table[location] = select(select(0u, TABLE_IGNORED, given.assigned == IGNORED || positive), given.assigned + 1u, kept);
    if (kept) {
      let score = select(1.0, scores[index * params.has_scores], params.has_scores == 1u);
      samples[image * params.image_slots + place.x] = Sample(location, given.assigned, score, given.vlr);
    } else if (!positive && given.vlr > 0.0) {
      samples[image * params.image_slots + positives + place.y] = Sample(location, given.assigned, 0.0, given.vlr);
    }
    place += select(vec2u(0u, u32(given.vlr > 0.0)), vec2u(1u, 0u), positive);
  }
  storageBarrier();
  count_samples(positives, positives + total.y, image, local);
}
