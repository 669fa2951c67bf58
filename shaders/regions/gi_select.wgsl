// General instances, second pass: greedy suppression, one workgroup a group: a level of the whole batch (as in LD's reference
// implementation) or of one image. Ten times the location of highest score, the first of equals, joins the region, and locations whose
// box has an IoU above 0.3 with its box drop out.

struct Params {
  batch: u32,
  /// batch, or 1
  images_per_group: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [locations], of gi_scores.wgsl
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [locations]; what drops out becomes -1
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
/// [locations]
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;

#include "../lib/boxes.wgsl"

const SIZE = 256u;
const INSTANCES = 10u;
const SUPPRESSION_IOU = 0.3;
const NONE = 0xffffffffu;

var<workgroup> best_scores: array<f32, SIZE>;
var<workgroup> best_locations: array<u32, SIZE>;

/// Keeps the better of two entries: higher score, then lower location.
fn merge(own: u32, other: u32) {
  let a = best_scores[own];
  let b = best_scores[other];
  if (b > a || (b == a && best_locations[other] < best_locations[own])) {
    best_scores[own] = b;
    best_locations[own] = best_locations[other];
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.x];
  let size = params.images_per_group * entry.y * entry.z;
  let start = params.batch * entry.x + workgroup.y * size;
  var latest = NONE;
  var latest_box = vec4f();
  for (var round = 0u; round < INSTANCES; round++) {
    var score = -1.0;
    var location = NONE;
    for (var i = start + local; i < start + size; i += SIZE) {
      if (scores[i] < 0.0) {
        continue;
      }
      if (i == latest || (latest != NONE && box_iou(latest_box, boxes[i]) > SUPPRESSION_IOU)) {
        scores[i] = -1.0;
      } else if (scores[i] > score) {
        score = scores[i];
        location = i;
      }
    }
    best_scores[local] = score;
    best_locations[local] = location;
    for (var half = SIZE / 2u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (local < half) {
        merge(local, local + half);
      }
    }
    latest = workgroupUniformLoad(&best_locations[0]);
    if (latest == NONE) {
      return;
    }
    latest_box = boxes[latest];
    if (local == 0u) {
      mask[latest] = 1.0;
    }
  }
}
