// Dynamic soft label assignment (NanoDet-Plus), first pass: one invocation a location. Where its centre is inside an object: the
// student's box, the class term of the cost without the object's class, and the object that takes the location where several choose
// it, that of lowest cost among all of the image, then of lowest index.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  classes: u32,
  bins: u32,
  iou_weight: f32,
  /// the entry of `chosen` of the first location's owner
  first_owner: u32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
@group(0) @binding(2) var<storage, read> student_box: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(4) var<storage, read> labels: array<i32>;
/// [B + 1]
@group(0) @binding(5) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(6) var<storage, read> image_sizes: array<vec2u>;
/// [locations, 2]: box in pixels, then a Background; zeros where the location is no candidate
@group(0) @binding(7) var<storage, read_write> located: array<vec4f>;
/// [G, topk] of dynamic_soft_label_choose.wgsl, then [locations]: owner of a candidate
@group(0) @binding(8) var<storage, read_write> chosen: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/qfl.wgsl"
#include "student_box.wgsl"
#include "soft_label_cost.wgsl"

fn is_candidate(at: Location) -> bool {
  if (!is_valid(at.level, at.index, image_sizes[at.image])) {
    return false;
  }
  let centre = anchor_centre(at.level, at.index);
  for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
    if (box_inside_margin(centre, boxes[g]) > 0.0) {
      return true;
    }
  }
  return false;
}

fn background_of(at: Location) -> Background {
  let entry = params.class_layout[at.level];
  var found = Background(0.0, 0.0, 0u, true);
  for (var c = 0u; c < params.classes; c++) {
    let loss = qfl(student_class[strided(entry, at.image, c, at.index)], 0.0, 2.0).x;
    found.rest += min(loss, found.largest);
    if (loss > found.largest) {
      found.largest = loss;
      found.class_index = c;
    }
  }
  return found;
}

fn cheapest_object(at: Location, predicted: vec4f, background: Background) -> u32 {
  var best = image_starts[at.image];
  var lowest = 3.0e38;
  for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
    let overlap = box_iou(predicted, boxes[g]);
    let class_index = u32(labels[g]);
    let logit = student_class[strided(params.class_layout[at.level], at.image, class_index, at.index)];
    let cost = overlap_cost(overlap) + class_cost(background, class_index, logit, overlap);
    if (cost < lowest) {
      lowest = cost;
      best = g;
    }
  }
  return best;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  if (!is_candidate(at)) {
    located[2u * location + 1u] = vec4f();
    return;
  }
  let predicted = student_box_at(at.level, at.image, at.index);
  let background = background_of(at);
  located[2u * location] = predicted;
  located[2u * location + 1u] = pack_background(background);
  chosen[params.first_owner + location] = cheapest_object(at, predicted, background);
}
