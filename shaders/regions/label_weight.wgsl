// An invocation a location: its label does not count beyond the image, nor, with ignore regions, on anchors that one covers by more than the
// threshold (intersection / anchor area). An image without ground truth ignores nothing, as in the authors' code.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  /// 0 or less: ignore regions do not count
  ignore_threshold: f32,
  /// bits of what is written where the label counts, and where it does not
  counted: u32,
  ignored: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [B] width and height, pixels
@group(0) @binding(1) var<storage, read> image_sizes: array<vec2u>;
@group(0) @binding(2) var<storage, read> image_starts: array<u32>;
/// [I] xyxy pixels
@group(0) @binding(3) var<storage, read> ignore_boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read> ignore_starts: array<u32>;
/// [locations]
@group(0) @binding(5) var<storage, read_write> weight: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"

fn is_ignored(at: Location) -> bool {
  if (params.ignore_threshold <= 0.0 || image_starts[at.image] == image_starts[at.image + 1u]) {
    return false;
  }
  let anchor = anchor_box(at.level, at.index);
  for (var i = ignore_starts[at.image]; i < ignore_starts[at.image + 1u]; i++) {
    if (box_intersection(anchor, ignore_boxes[i]) / max(box_area(anchor), 1e-6) > params.ignore_threshold) {
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
  let counts = is_valid(at.level, at.index, image_sizes[at.image]) && !is_ignored(at);
  weight[location] = select(params.ignored, params.counted, counts);
}
