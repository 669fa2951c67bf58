// Fine-grained imitation (Wang et al., CVPR 2019), first pass: one invocation a ground truth finds its highest IoU with the
// valid anchors of all levels. Anchors of a level are equal squares, so that the IoU is highest at the anchor whose centre is
// nearest to the box's in x and in y.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  count: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(2) var<storage, read> images: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(3) var<storage, read> image_sizes: array<vec2u>;
/// [G]
@group(0) @binding(4) var<storage, read_write> best: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = linear_index(workgroup, workgroups, local, 64u);
  if (g >= params.count) {
    return;
  }
  let box = boxes[g];
  let centre = 0.5 * (box.xy + box.zw);
  var highest = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    let entry = params.levels[level];
    let last = vec2f(valid_cells(level, image_sizes[images[g]]) - 1u);
    let cell = vec2u(clamp(round(centre / f32(entry.w) - params.centre_offset), vec2f(), last));
    highest = max(highest, box_iou(anchor_box(level, cell.y * entry.z + cell.x), box));
  }
  best[g] = highest;
}
