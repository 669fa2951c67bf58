// Valuable localization region (Zheng et al., CVPR 2022, algorithm 1), one invocation a location: the highest IoU with a
// ground truth of whose region the location is, 0 outside.
//   paper:     gamma·t <= DIoU <= t
//   reference: gamma·t <= intersection / area(anchor) - rho^2/c^2 < t   (LD spec 3.3)

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  gamma: f32,
  levels: array<vec4u, 8>,
}
override REFERENCE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [B + 1]
@group(0) @binding(2) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(3) var<storage, read> image_sizes: array<vec2u>;
/// [G]: t; negative: nothing belongs to this box
@group(0) @binding(4) var<storage, read> thresholds: array<f32>;
/// [locations]
@group(0) @binding(5) var<storage, read_write> value: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"

fn is_member(anchor: vec4f, box: vec4f, threshold: f32) -> bool {
  if (REFERENCE) {
    let x = box_pseudo_diou(anchor, box);
    return x >= params.gamma * threshold && x < threshold;
  }
  let x = box_diou(anchor, box);
  return x >= params.gamma * threshold && x <= threshold;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let anchor = anchor_box(at.level, at.index);
  var highest = 0.0;
  if (is_valid(at.level, at.index, image_sizes[at.image])) {
    for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
      let threshold = thresholds[g];
      if (threshold >= 0.0 && is_member(anchor, boxes[g], threshold)) {
        highest = max(highest, box_iou(anchor, boxes[g]));
      }
    }
  }
  value[location] = highest;
}
