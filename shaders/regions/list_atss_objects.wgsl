// The lists of ATSS by many workgroups an image: `positives` is [G, levels, topk], of atss_candidates.wgsl.
#include "list_objects.wgsl"

fn entries() -> u32 {
  return params.level_count * params.topk;
}

fn entry_location(g: u32, image: u32, entry: u32) -> u32 {
  let cell = positives[g * entries() + entry];
  if (cell == NONE) {
    return NONE;
  }
  let level = entry / params.topk;
  let width = params.levels[level].z;
  return location_of(level, image, vec2u(cell % width, cell / width));
}

/// Whether a later object has a location among its positives, too.
fn has(g: u32, level: u32, cell: u32) -> bool {
  let first = (g * params.level_count + level) * params.topk;
  for (var i = first; i < first + params.topk; i++) {
    if (positives[i] == cell) {
      return true;
    }
  }
  return false;
}

/// A location positive for several ground truths takes the one of highest IoU, then of lowest index; `g` is the first of them.
fn assigned_of(g: u32, image: u32, entry: u32, location: u32) -> Assigned {
  let level = entry / params.topk;
  let cell = positives[g * entries() + entry];
  let anchor = anchor_box(level, cell);
  var best = g;
  var highest = box_iou(anchor, boxes[g]);
  for (var other = g + 1u; other < image_starts[image + 1u]; other++) {
    if (has(other, level, cell)) {
      let overlap = box_iou(anchor, boxes[other]);
      if (overlap > highest) {
        highest = overlap;
        best = other;
      }
    }
  }
  return Assigned((best << 16u) | u32(labels[best]), highest);
}
