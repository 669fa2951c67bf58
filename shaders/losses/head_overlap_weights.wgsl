// The weight of a positive in LD at all locations by D-FINE's decoupled distillation (Peng et al., ICLR 2025): the IoU of the student's
// own box with its object, over the teacher's best score, which head_stream_taught.wgsl has written there. An invocation a positive.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  bins: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// first word of this kind of weight
  first: u32,
  /// 1: times √(Q / P) of P positives and Q other locations, see head_normaliser.wgsl
  balances: u32,
  levels: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [T] xyxy pixels
@group(0) @binding(1) var<storage, read> targets: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
@group(0) @binding(3) var<storage, read> samples: array<Sample>;
/// expected edges are known
@group(0) @binding(4) var<storage, read> records: array<u32>;
/// of head_lesson.wgsl
@group(0) @binding(5) var<storage, read_write> weights: array<f32>;

#include "../lib/box_parameters.wgsl"
#include "../lib/boxes.wgsl"
#include "../regions/sample.wgsl"
#include "head_place.wgsl"
#include "head_centre.wgsl"
#include "head_share.wgsl"
#include "head_matched.wgsl"
#include "head_records.wgsl"
#include "head_edges.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let before = count_before(image, COUNT_POSITIVES);
  let part = part_of(0u, count_of(image, COUNT_POSITIVES), workgroup.x, workgroups.x);
  let numbers = matched_and_others();
  let balance = select(1.0, sqrt(numbers.y / max(numbers.x, 1.0)), params.balances == 1u);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let at = place_of(sample.location, image);
    let box = targets[sample.assigned >> 16u] / f32(params.levels[at.level].w);
    let own = decoded(recorded_edges(RECORD * (before + i)), centre_of(at));
    weights[params.first + sample.location] = balance * box_iou(own, box);
  }
}
