// ATSS, second pass: one invocation a location. A location that is positive for several ground truths takes the one of
// highest IoU, then of lowest index.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  topk: u32,
  /// the label of background
  classes: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(2) var<storage, read> labels: array<i32>;
/// [B + 1]
@group(0) @binding(3) var<storage, read> image_starts: array<u32>;
/// [G, levels, topk], of atss_candidates.wgsl
@group(0) @binding(4) var<storage, read> positives: array<u32>;
/// [locations]: class, or `classes`
@group(0) @binding(5) var<storage, read_write> label: array<i32>;
/// [locations]: ground truth, or -1
@group(0) @binding(6) var<storage, read_write> matched: array<i32>;
/// [locations], of label_weight.wgsl; a positive counts even where it is ignored
@group(0) @binding(7) var<storage, read_write> weight: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"

fn is_positive(g: u32, at: Location) -> bool {
  let base = (g * params.level_count + at.level) * params.topk;
  for (var i = base; i < base + params.topk; i++) {
    if (positives[i] == at.index) {
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
  let anchor = anchor_box(at.level, at.index);
  let centre = anchor_centre(at.level, at.index);
  var best = -1;
  var best_overlap = -1.0;
  for (var g = image_starts[at.image]; g < image_starts[at.image + 1u]; g++) {
    // Positives are inside their box: the list is read for few boxes.
    if (box_inside_margin(centre, boxes[g]) > 0.0 && is_positive(g, at)) {
      let overlap = box_iou(anchor, boxes[g]);
      if (overlap > best_overlap) {
        best_overlap = overlap;
        best = i32(g);
      }
    }
  }
  matched[location] = best;
  label[location] = i32(params.classes);
  if (best >= 0) {
    label[location] = labels[best];
    weight[location] = 1.0;
  }
}
