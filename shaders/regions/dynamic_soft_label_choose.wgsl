// Dynamic soft label assignment, second pass: one workgroup an object. The sum of its topk largest IoUs, truncated but at least 1, is the
// number of candidates of its image, the cheapest, that it chooses; at equal cost the lower index.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  topk: u32,
  iou_weight: f32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
/// [locations, 2], of dynamic_soft_label_candidates.wgsl
@group(0) @binding(2) var<storage, read> located: array<vec4f>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(4) var<storage, read> labels: array<i32>;
/// [G]
@group(0) @binding(5) var<storage, read> images: array<u32>;
/// [G, topk]: locations, cheapest first, NONE where there are fewer; then the owners of dynamic_soft_label_candidates.wgsl
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

#include "../lib/layout.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/qfl.wgsl"
#include "../lib/qfl_background.wgsl"
#include "sample.wgsl"
#include "soft_label_cost.wgsl"
#include "best_lists.wgsl"

/// largest IoUs of each invocation, as best_keys
var<workgroup> overlaps: array<f32, LANES * MAX_BEST>;

fn insert_overlap(overlap: f32, length: u32, local: u32) -> u32 {
  if (length == params.topk && !(overlap > overlaps[(length - 1u) * LANES + local])) {
    return length;
  }
  let longer = min(length + 1u, params.topk);
  var entry = longer - 1u;
  while (entry > 0u && overlaps[(entry - 1u) * LANES + local] < overlap) {
    overlaps[entry * LANES + local] = overlaps[(entry - 1u) * LANES + local];
    entry--;
  }
  overlaps[entry * LANES + local] = overlap;
  return longer;
}

/// The IoUs of a level's candidates; returns the new length of the invocation's list.
fn offer_overlaps(level: u32, g: u32, before: u32, local: u32) -> u32 {
  let entry = params.levels[level];
  let box = boxes[g];
  let area = entry.y * entry.z;
  let first = params.batch * entry.x + images[g] * area;
  var length = before;
  for (var i = local; i < area; i += LANES) {
    // Of no candidate the box is empty.
    let overlap = box_iou(located[2u * (first + i)], box);
    if (overlap > 0.0) {
      length = insert_overlap(overlap, length, local);
    }
  }
  return length;
}

/// The costs of a level's candidates, of those that the box touches or of the others; returns the new length of the list.
fn offer_costs(level: u32, g: u32, touched: bool, count: u32, before: u32, local: u32) -> u32 {
  let entry = params.levels[level];
  let channels = params.class_layout[level];
  let image = images[g];
  let box = boxes[g];
  let class_index = u32(labels[g]);
  let area = entry.y * entry.z;
  let first = params.batch * entry.x + image * area;
  var length = before;
  for (var i = local; i < area; i += LANES) {
    let predicted = located[2u * (first + i)];
    let overlap = box_iou(predicted, box);
    if ((overlap > 0.0) != touched || all(predicted == NO_BOX)) {
      continue;
    }
    let least = overlap_cost(overlap);
    if (enters(-least, length, count, local)) {
      let others = unpack_others(located[2u * (first + i) + 1u]);
      let cost = least + class_cost(others, class_index, student_class[strided(channels, image, class_index, i)], overlap);
      if (enters(-cost, length, count, local)) {
        length = insert(-cost, first + i, length, count, local);
      }
    }
  }
  return length;
}

/// How many locations the object chooses.
fn dynamic_count() -> u32 {
  var heads: array<u32, LANES>;
  var sum = 0.0;
  for (var taken = 0u; taken < params.topk; taken++) {
    var from_list = LANES;
    var largest = 0.0;
    for (var l = 0u; l < LANES; l++) {
      if (heads[l] < overlap_lengths[l] && overlaps[heads[l] * LANES + l] > largest) {
        from_list = l;
        largest = overlaps[heads[l] * LANES + l];
      }
    }
    if (from_list == LANES) {
      break;
    }
    heads[from_list]++;
    sum += largest;
  }
  return max(u32(sum), 1u);
}

var<workgroup> overlap_lengths: array<u32, LANES>;
/// how many locations the object chooses
var<workgroup> wanted: u32;
/// whether a candidate that the box does not touch may be among the cheapest
var<workgroup> looks_apart: u32;

/// The cheapest of the lists; returns the highest cost among them, as a key, or NO_KEY where they are too few.
fn write_chosen(g: u32) -> f32 {
  var key = NO_KEY;
  for (var i = 0u; i < params.topk; i++) {
    var location = NONE;
    if (i < wanted) {
      key = highest_key();
      location = take_best();
    }
    chosen[g * params.topk + i] = location;
  }
  return key;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = workgroup.x;
  var overlap_count = 0u;
  for (var level = 0u; level < params.level_count; level++) {
    overlap_count = offer_overlaps(level, g, overlap_count, local);
  }
  overlap_lengths[local] = overlap_count;
  workgroupBarrier();
  if (local == 0u) {
    wanted = min(dynamic_count(), params.topk);
  }
  workgroupBarrier();
  let count = wanted;
  var length = 0u;
  for (var level = 0u; level < params.level_count; level++) {
    length = offer_costs(level, g, true, count, length, local);
  }
  close_list(length, local);
  workgroupBarrier();
  if (local == 0u) {
    looks_apart = select(0u, 1u, write_chosen(g) <= -apart_cost());
  }
  workgroupBarrier();
  if (looks_apart == 1u) {
    for (var level = 0u; level < params.level_count; level++) {
      length = offer_costs(level, g, false, count, length, local);
    }
    close_list(length, local);
  }
  workgroupBarrier();
  if (local == 0u && looks_apart == 1u) {
    _ = write_chosen(g);
  }
}
