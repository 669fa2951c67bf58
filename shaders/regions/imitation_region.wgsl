// Regions of feature imitation that follow from the ground truth, one invocation a location: 1 inside, 0 outside,
// -1 beyond the image.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  /// the label of background
  classes: u32,
  levels: array<vec4u, 8>,
}
const WHOLE = 0u;
/// the anchor's centre is strictly inside a box
const INSIDE = 1u;
/// positives
const MAIN = 2u;
/// IoU with a box above half the highest that any anchor has with it
const FINEGRAINED = 3u;
override METHOD: u32 = WHOLE;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [B + 1]
@group(0) @binding(2) var<storage, read> image_starts: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(3) var<storage, read> image_sizes: array<vec2u>;
/// [locations]
@group(0) @binding(4) var<storage, read> label: array<i32>;
/// [G], of finegrained_best.wgsl
@group(0) @binding(5) var<storage, read> best: array<f32>;
/// [locations]
@group(0) @binding(6) var<storage, read_write> mask: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"

fn belongs_to(at: Location, g: u32) -> bool {
  if (METHOD == INSIDE) {
    return box_inside_margin(anchor_centre(at.level, at.index), boxes[g]) > 0.0;
  }
  return box_iou(anchor_box(at.level, at.index), boxes[g]) > 0.5 * best[g];
}

fn is_member(at: Location, location: u32) -> bool {
  if (METHOD == WHOLE) {
    return true;
  }
  if (METHOD == MAIN) {
    return label[location] < i32(params.classes);
  }
  for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
    if (belongs_to(at, g)) {
      return true;
    }
  }
  return false;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  var value = -1.0;
  if (is_valid(at.level, at.index, image_sizes[at.image])) {
    value = select(0.0, 1.0, is_member(at, location));
  }
  mask[location] = value;
}
