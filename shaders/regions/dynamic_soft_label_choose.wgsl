// Dynamic soft label assignment, second pass: one workgroup an object. It chooses the cheapest candidates of its image, as many as the sum
// of its topk largest IoUs, truncated but at least 1; at equal cost the lower index.
// The class term of a cost reads all class logits, so it is found for few: of most others the IoU alone shows that they cost too much.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  topk: u32,
  classes: u32,
  iou_weight: f32,
  /// how far a box of the student reaches from its centre at most, strides
  box_reach: f32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
/// [locations], of dynamic_soft_label_candidates.wgsl
@group(0) @binding(2) var<storage, read> located: array<vec4f>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read> labels: array<i32>;
@group(0) @binding(5) var<storage, read> images: array<u32>;
/// [G, topk]: locations, cheapest first, NONE where there are fewer
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;

#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/qfl.wgsl"
#include "../lib/qfl_background.wgsl"
#include "sample.wgsl"
#include "window.wgsl"
#include "no_box.wgsl"
#include "soft_label_cost.wgsl"
#include "best_lists.wgsl"

const NO_COST = 3.0e38;

/// The cells of a level whose boxes can touch the object's.
fn touching_window(level: u32, box: vec4f) -> Window {
  let entry = params.levels[level];
  let reach = params.box_reach * f32(entry.w);
  return covering_window(level, entry.zy, vec4f(box.xy - reach, box.zw + reach), vec2f(0.5));
}

fn largest_overlap(g: u32, local: u32) -> f32 {
  let box = boxes[g];
  var largest = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    let window = touching_window(level, box);
    let size = window.size.x * window.size.y;
    for (var i = local; i < size; i += LANES) {
      largest = max(largest, box_iou(located[location_of(level, images[g], window_cell(window, i))], box));
    }
  }
  return largest;
}

var<workgroup> largest_overlaps: array<f32, LANES>;
/// An IoU that at least topk candidates reach; 0 where fewer touch the box.
var<workgroup> reached_overlap: f32;

/// Sets it to the topk-th of the invocations' largest IoUs; after a barrier.
fn find_reached(local: u32) {
  let own = largest_overlaps[local];
  var rank = 0u;
  for (var l = 0u; l < LANES; l++) {
    rank += select(0u, 1u, largest_overlaps[l] > own || (largest_overlaps[l] == own && l < local));
  }
  if (rank + 1u == params.topk) {
    reached_overlap = own;
  }
}

/// Offers the IoUs of a level from `least` on; returns the new length of the invocation's list.
fn offer_overlaps(level: u32, g: u32, least: f32, before: u32, local: u32) -> u32 {
  let box = boxes[g];
  let window = touching_window(level, box);
  let size = window.size.x * window.size.y;
  var length = before;
  for (var i = local; i < size; i += LANES) {
    let location = location_of(level, images[g], window_cell(window, i));
    let overlap = box_iou(located[location], box);
    if (overlap > 0.0 && overlap >= least && enters(overlap, length, params.topk, local)) {
      length = insert(overlap, location, length, params.topk, local);
    }
  }
  return length;
}

/// The first candidates of the merged lists, which give the number to choose and the bound of costs.
var<workgroup> first_overlaps: array<f32, MAX_BEST>;
var<workgroup> first_locations: array<u32, MAX_BEST>;
var<workgroup> first_costs: array<f32, MAX_BEST>;
/// locations that the object chooses, and how many of the first exist
var<workgroup> wanted: u32;
var<workgroup> found: u32;
/// whether a candidate that the box does not touch may be among the cheapest
var<workgroup> looks_apart: u32;

/// For one invocation, after a barrier.
fn find_wanted() {
  var sum = 0.0;
  var taken = 0u;
  while (taken < params.topk) {
    let best = take_best();
    if (best.location == NONE) {
      break;
    }
    first_overlaps[taken] = best.key;
    first_locations[taken] = best.location;
    sum += best.key;
    taken++;
  }
  wanted = min(max(u32(sum), 1u), params.topk);
  found = min(taken, wanted);
}

/// No candidate that costs more is chosen. A little higher, since a compiler may round the same cost another way elsewhere.
fn highest_cost(count: u32) -> f32 {
  if (found < count) {
    return NO_COST;
  }
  var highest = first_costs[0];
  for (var i = 1u; i < count; i++) {
    highest = max(highest, first_costs[i]);
  }
  return highest + 1e-5 * (1.0 + abs(highest));
}

/// Offers a candidate's cost to the list; returns its new length. Lower bounds are tested first: of the IoU alone, then with the logit
/// of the object's class.
fn offer_cost(location: u32, overlap: f32, class_index: u32, bound: f32, count: u32, length: u32, local: u32) -> u32 {
  var least = overlap_cost(overlap);
  if (!(least <= bound) || !enters(-least, length, count, local)) {
    return length;
  }
  let at = locate(location);
  least += class_cost(overlap, class_index, at.level, at.image, at.index);
  // A NaN costs too much.
  if (!(least <= bound) || !enters(-least, length, count, local)) {
    return length;
  }
  let cost = least + other_costs(class_index, at.level, at.image, at.index);
  if (!(cost <= bound) || !enters(-cost, length, count, local)) {
    return length;
  }
  return insert(-cost, location, length, count, local);
}

/// Offers the costs of a level's candidates that the box touches, or of the others; returns the list's new length.
fn offer_level(level: u32, g: u32, touched: bool, bound: f32, count: u32, before: u32, local: u32) -> u32 {
  let box = boxes[g];
  var window = Window(vec2u(), params.levels[level].zy);
  if (touched) {
    window = touching_window(level, box);
  }
  let size = window.size.x * window.size.y;
  var length = before;
  for (var i = local; i < size; i += LANES) {
    let location = location_of(level, images[g], window_cell(window, i));
    let predicted = located[location];
    let overlap = box_iou(predicted, box);
    if ((overlap > 0.0) == touched && any(predicted != NO_BOX)) {
      length = offer_cost(location, overlap, u32(labels[g]), bound, count, length, local);
    }
  }
  return length;
}

fn offer_all(g: u32, touched: bool, bound: f32, count: u32, before: u32, local: u32) -> u32 {
  var length = before;
  for (var level = 0u; level < params.level_count; level++) {
    length = offer_level(level, g, touched, bound, count, length, local);
  }
  return length;
}

/// Turns the list of IoUs into one of costs, in place: an entry is read before its place is written.
fn costs_of_list(g: u32, bound: f32, count: u32, length: u32, local: u32) -> u32 {
  var kept = 0u;
  for (var i = 0u; i < length; i++) {
    let overlap = best_keys[i * LANES + local];
    kept = offer_cost(best_locations[i * LANES + local], overlap, u32(labels[g]), bound, count, kept, local);
  }
  return kept;
}

/// Writes the cheapest of the lists; returns the highest cost among them, as a key, or NO_KEY where they are too few.
fn write_chosen(g: u32) -> f32 {
  var best = Best(NO_KEY, NONE);
  for (var i = 0u; i < params.topk; i++) {
    if (i < wanted) {
      best = take_best();
      chosen[g * params.topk + i] = best.location;
    } else {
      chosen[g * params.topk + i] = NONE;
    }
  }
  return best.key;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = workgroup.x;
  largest_overlaps[local] = largest_overlap(g, local);
  workgroupBarrier();
  find_reached(local);
  workgroupBarrier();
  let reached = reached_overlap;
  var length = 0u;
  for (var level = 0u; level < params.level_count; level++) {
    length = offer_overlaps(level, g, reached, length, local);
  }
  close_list(length, local);
  workgroupBarrier();
  if (local == 0u) {
    find_wanted();
  }
  workgroupBarrier();
  if (local < found) {
    let at = locate(first_locations[local]);
    first_costs[local] = soft_label_cost(first_overlaps[local], u32(labels[g]), at.level, at.image, at.index);
  }
  workgroupBarrier();
  let count = wanted;
  let bound = highest_cost(count);
  // The list may lack some of this IoU and less.
  var left_out = reached;
  if (length == params.topk) {
    left_out = best_keys[(length - 1u) * LANES + local];
  }
  if (left_out > 0.0 && overlap_cost(left_out) <= bound) {
    length = offer_all(g, true, bound, count, 0u, local);
  } else {
    length = costs_of_list(g, bound, count, length, local);
  }
  close_list(length, local);
  workgroupBarrier();
  if (local == 0u) {
    looks_apart = select(0u, 1u, write_chosen(g) <= -apart_cost());
  }
  workgroupBarrier();
  if (looks_apart == 1u) {
    length = offer_all(g, false, NO_COST, count, length, local);
    close_list(length, local);
  }
  workgroupBarrier();
  if (local == 0u && looks_apart == 1u) {
    _ = write_chosen(g);
  }
}
