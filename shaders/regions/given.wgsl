// An assignment that the caller gives, an entry a location: what given_samples.wgsl and given_parts.wgsl list.

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

#include "sample.wgsl"

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

/// What a location counts as: a positive, or another member of the VLR, or neither.
fn listed_as(given: Given) -> vec2u {
  return select(vec2u(0u, u32(given.vlr > 0.0)), vec2u(1u, 0u), given.assigned < IGNORED);
}

/// Writes a location's entry of the table, and its sample. `place`: the positives and the others before it in the image; `positives`: those of
/// the image that have a target
fn write_location(location: u32, index: u32, given: Given, image: u32, place: vec2u, positives: u32) {
  let positive = given.assigned < IGNORED;
  let kept = positive && place.x < params.image_positives;
  table[location] = select(select(0u, TABLE_IGNORED, given.assigned == IGNORED || positive), given.assigned + 1u, kept);
  if (kept) {
    let score = select(1.0, scores[index * params.has_scores], params.has_scores == 1u);
    samples[image * params.image_slots + place.x] = Sample(location, given.assigned, score, given.vlr);
  } else if (!positive && given.vlr > 0.0) {
    samples[image * params.image_slots + positives + place.y] = Sample(location, given.assigned, 0.0, given.vlr);
  }
}
