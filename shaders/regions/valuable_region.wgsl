// Valuable localization region as a map: the highest IoU with a ground truth of whose region a location is, 0 outside. One
// workgroup a ground truth and level goes over its window.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  gamma: f32,
  levels: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(2) var<storage, read> images: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(3) var<storage, read> image_sizes: array<vec2u>;
/// [G]: t; negative: nothing belongs to this box
@group(0) @binding(4) var<storage, read> thresholds: array<f32>;
/// [locations], zeros: bits of numbers that are not negative, which are in the order of the numbers
@group(0) @binding(5) var<storage, read_write> value: array<atomic<u32>>;

#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "window.wgsl"
#include "vlr_member.wgsl"

const SIZE = 32u;

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = workgroup.x;
  let level = workgroup.y;
  let box = boxes[g];
  let image = images[g];
  let threshold = thresholds[g];
  let window = vlr_window(level, valid_cells(level, image_sizes[image]), box, threshold);
  for (var i = local; i < window.size.x * window.size.y; i += SIZE) {
    let cell = window_cell(window, i);
    let anchor = anchor_box_at(level, cell);
    if (is_member(anchor, box, threshold)) {
      atomicMax(&value[location_of(level, image, cell)], bitcast<u32>(box_iou(anchor, box)));
    }
  }
}
