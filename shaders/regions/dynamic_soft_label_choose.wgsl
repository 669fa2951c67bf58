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

/// Entries of an invocation's lists.
struct Lengths {
  overlaps: u32,
  costs: u32,
}

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

/// Offers the candidates of a level to the invocation's lists; returns their new lengths.
fn offer_level(level: u32, g: u32, before: Lengths, local: u32) -> Lengths {
  let entry = params.levels[level];
  let channels = params.class_layout[level];
  let image = images[g];
  let box = boxes[g];
  let class_index = u32(labels[g]);
  let area = entry.y * entry.z;
  let first = params.batch * entry.x + image * area;
  var lengths = before;
  for (var i = local; i < area; i += LANES) {
    let predicted = located[2u * (first + i)];
    if (all(predicted == NO_BOX)) {
      continue;
    }
    let overlap = box_iou(predicted, box);
    if (overlap > 0.0) {
      lengths.overlaps = insert_overlap(overlap, lengths.overlaps, local);
    }
    let least = overlap_cost(overlap);
    if (enters(-least, lengths.costs, params.topk, local)) {
      let others = unpack_others(located[2u * (first + i) + 1u]);
      let cost = least + class_cost(others, class_index, student_class[strided(channels, image, class_index, i)], overlap);
      if (enters(-cost, lengths.costs, params.topk, local)) {
        lengths.costs = insert(-cost, first + i, lengths.costs, params.topk, local);
      }
    }
  }
  return lengths;
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

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = workgroup.x;
  var lengths = Lengths();
  for (var level = 0u; level < params.level_count; level++) {
    lengths = offer_level(level, g, lengths, local);
  }
  close_list(lengths.costs, local);
  overlap_lengths[local] = lengths.overlaps;
  workgroupBarrier();
  if (local == 0u) {
    let count = min(dynamic_count(), params.topk);
    for (var i = 0u; i < params.topk; i++) {
      var location = NONE;
      if (i < count) {
        location = take_best();
      }
      chosen[g * params.topk + i] = location;
    }
  }
}
