// Regions of feature imitation around boxes. A workgroup for each ground truth and level writes 1 where a location of its window belongs to
// the box.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  levels: array<vec4u, 8>,
}
/// IoU with the box above half the highest that any anchor has with it (Wang et al., CVPR 2019); else: the anchor's centre is
/// strictly inside the box
override FINEGRAINED: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> images: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(3) var<storage, read> image_sizes: array<vec2u>;
/// [locations]: bits of f32. Atomic, because boxes that overlap write the same locations.
@group(0) @binding(4) var<storage, read_write> mask: array<atomic<u32>>;

#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "window.wgsl"

const SIZE = 32u;
const ONE_BITS = 0x3f800000u;

/// The highest IoU of a box with valid anchors. A level's anchors are equal squares, so it is highest where the centre is nearest to the
/// box's in x and in y.
fn highest_overlap(box: vec4f, image_size: vec2u) -> f32 {
  let centre = 0.5 * (box.xy + box.zw);
  var highest = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    let last = vec2f(valid_cells(level, image_size) - 1u);
    let cell = clamp(round(centre / f32(params.levels[level].w) - params.centre_offset), vec2f(), last);
    highest = max(highest, box_iou(anchor_box_at(level, vec2u(cell)), box));
  }
  return highest;
}

/// Window of the anchors whose IoU can exceed `least`: IoU is at most the share of the anchor in the box, and of the box in the anchor.
fn overlap_window(level: u32, valid: vec2u, box: vec4f, least: f32) -> Window {
  let side = 2.0 * params.half_side * f32(params.levels[level].w);
  let window = share_window(level, valid, box, 0.999 * least);
  return Window(window.first, select(vec2u(), window.size, side * side >= 0.999 * least * box_area(box)));
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let level = workgroup.y;
  let box = boxes[workgroup.x];
  let image = images[workgroup.x];
  let valid = valid_cells(level, image_sizes[image]);
  var least = 0.0;
  var window: Window;
  if (FINEGRAINED) {
    least = 0.5 * highest_overlap(box, image_sizes[image]);
    window = overlap_window(level, valid, box, least);
  } else {
    window = covering_window(level, valid, box, vec2f(0.5));
  }
  for (var i = local; i < window.size.x * window.size.y; i += SIZE) {
    let cell = window_cell(window, i);
    var belongs: bool;
    if (FINEGRAINED) {
      belongs = box_iou(anchor_box_at(level, cell), box) > least;
    } else {
      belongs = box_inside_margin(anchor_centre_at(level, cell), box) > 0.0;
    }
    if (belongs) {
      atomicStore(&mask[location_of(level, image, cell)], ONE_BITS);
    }
  }
}
