// What list_samples.wgsl and list_objects.wgsl are given, and what both are made of.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  image_slots: u32,
  /// entries of `positives` of an object on a level, or on all together
  topk: u32,
  gamma: f32,
  /// of all images
  locations: u32,
  levels: array<vec4u, 8>,
}

override VLR: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> labels: array<i32>;
@group(0) @binding(3) var<storage, read> image_starts: array<u32>;
/// what the assigner found, as the including file takes it
@group(0) @binding(4) var<storage, read> positives: array<u32>;
/// [G, levels], of atss_candidates.wgsl
@group(0) @binding(5) var<storage, read> windows: array<vec4u>;

#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "window.wgsl"
#include "vlr_member.wgsl"
#include "sample.wgsl"
#include "append.wgsl"

/// IoU of a member of a box's region, 0 of another anchor.
fn member_overlap(level: u32, cell: vec2u, box: vec4f, threshold: f32) -> f32 {
  let anchor = anchor_box_at(level, cell);
  return select(0.0, box_iou(anchor, box), is_member(anchor, box, threshold));
}
