// Dynamic soft label assignment, last pass: one workgroup an image. A location that several objects chose goes to the one of lowest cost
// among all of the image, then of lowest index. A positive's target score is the IoU of the student's box with its object.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  image_slots: u32,
  classes: u32,
  iou_weight: f32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
/// [locations], of dynamic_soft_label_candidates.wgsl
@group(0) @binding(2) var<storage, read> located: array<vec4f>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read> labels: array<i32>;
@group(0) @binding(5) var<storage, read> image_starts: array<u32>;
@group(0) @binding(6) var<storage, read_write> table: array<u32>;
/// [B, image_slots]; before, the score is CONTESTED where several objects chose a location, of which this is one
@group(0) @binding(7) var<storage, read_write> samples: array<Sample>;
@group(0) @binding(8) var<storage, read_write> counts: array<f32>;

#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/qfl.wgsl"
#include "../lib/qfl_background.wgsl"
#include "sample.wgsl"
#include "soft_label_cost.wgsl"
#include "score_sum.wgsl"

/// Objects that the box does not touch are looked at only where a touched one costs more than the least that they can cost.
fn cheapest_object(at: Location, predicted: vec4f) -> u32 {
  var best = image_starts[at.image];
  var lowest = 3.0e38;
  for (var turn = 0u; turn < 2u; turn++) {
    if (turn == 1u && lowest < apart_cost()) {
      break;
    }
    for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
      let overlap = box_iou(predicted, boxes[g]);
      if ((overlap > 0.0) == (turn == 1u) || overlap_cost(overlap) > lowest) {
        continue;
      }
      let cost = soft_label_cost(overlap, u32(labels[g]), at.level, at.image, at.index);
      if (cost < lowest || (cost == lowest && g < best)) {
        lowest = cost;
        best = g;
      }
    }
  }
  return best;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  let first = image * params.image_slots;
  let end = first + u32(counts[image * COUNTS + COUNT_POSITIVES]);
  var sum = 0.0;
  for (var i = first + local; i < end; i += LANES) {
    let sample = samples[i];
    let predicted = located[sample.location];
    var g = sample.assigned >> 16u;
    if (sample.score == CONTESTED) {
      g = cheapest_object(locate(sample.location), predicted);
      samples[i].assigned = (g << 16u) | u32(labels[g]);
      table[sample.location] = u32(labels[g]) + 1u;
    }
    let score = box_iou(predicted, boxes[g]);
    samples[i].score = score;
    sum += score;
  }
  write_score_sum(sum, image, local);
}
