// One workgroup an image: lists the positives and the members of the VLR (Zheng et al., CVPR 2022, algorithm 1). Ground truths
// are taken one after another, each looked at only in its candidates and its windows, so the time grows with the boxes and not
// with the map. No floating-point atomics; the list has a fixed order.
//   paper:     gamma·t <= DIoU <= t
//   reference: gamma·t <= intersection / area(anchor) - rho^2/c^2 < t   (LD spec 3.3)

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  image_locations: u32,
  topk: u32,
  gamma: f32,
  levels: array<vec4u, 8>,
}
override REFERENCE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [G]
@group(0) @binding(2) var<storage, read> labels: array<i32>;
/// [B + 1]
@group(0) @binding(3) var<storage, read> image_starts: array<u32>;
/// [G, levels, topk], of ../regions/atss_candidates.wgsl
@group(0) @binding(4) var<storage, read> positives: array<u32>;
/// [G, levels], of ../regions/atss_candidates.wgsl
@group(0) @binding(5) var<storage, read> windows: array<vec4u>;
/// [locations], see head_row.wgsl; zeros but for ignored locations. While the lists are made: 1 + place in the list.
@group(0) @binding(6) var<storage, read_write> table: array<u32>;
/// [B, image_locations]
@group(0) @binding(7) var<storage, read_write> rows: array<Row>;
/// [B, COUNTS]
@group(0) @binding(8) var<storage, read_write> counts: array<f32>;

#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "head_row.wgsl"

/// At most the bits of a word. Smaller is faster on software adapters, where a barrier switches between the workgroup's parts.
const SIZE = 32u;

/// Invocations that list a new row, a bit each: three sets in turn, so that one barrier a round is enough.
var<workgroup> wanted: array<atomic<u32>, 3>;
var<workgroup> level_positives: array<atomic<u32>, 8>;
var<workgroup> level_vlr: array<atomic<u32>, 8>;
var<workgroup> weights: array<f32, SIZE>;

struct List {
  count: u32,
  round: u32,
}

/// The place in the list of each invocation that wants one, in the order of the invocations. All invocations call it.
fn append(list: ptr<function, List>, wants: bool, local: u32) -> u32 {
  let turn = (*list).round % 3u;
  if (wants) {
    atomicOr(&wanted[turn], 1u << local);
  }
  workgroupBarrier();
  let bits = atomicLoad(&wanted[turn]);
  let place = (*list).count + countOneBits(bits & ((1u << local) - 1u));
  (*list).count += countOneBits(bits);
  // The set after the next: nobody reads it any more, and nobody writes it before the next barrier.
  if (local == 0u) {
    atomicStore(&wanted[((*list).round + 2u) % 3u], 0u);
  }
  (*list).round++;
  return place;
}

fn location_of(level: u32, image: u32, cell: u32) -> u32 {
  let entry = params.levels[level];
  return params.batch * entry.x + image * entry.y * entry.z + cell;
}

fn is_member(anchor: vec4f, box: vec4f, threshold: f32) -> bool {
  if (REFERENCE) {
    let x = box_pseudo_diou(anchor, box);
    return x >= params.gamma * threshold && x < threshold;
  }
  let x = box_diou(anchor, box);
  return x >= params.gamma * threshold && x <= threshold;
}

/// A location that is positive for several ground truths takes the one of highest IoU, then of lowest index.
fn list_positives(list: ptr<function, List>, g: u32, image: u32, local: u32) {
  let box = boxes[g];
  let entries = params.level_count * params.topk;
  for (var first = 0u; first < entries; first += SIZE) {
    let entry = first + local;
    var cell = NONE;
    if (entry < entries) {
      cell = positives[g * entries + entry];
    }
    let found = cell != NONE;
    var location = 0u;
    var overlap = 0.0;
    var known = 0u;
    if (found) {
      let level = entry / params.topk;
      location = location_of(level, image, cell);
      overlap = box_iou(anchor_box(level, cell), box);
      known = table[location] & ~TABLE_IGNORED;
    }
    let place = append(list, found && known == 0u, local);
    if (found && known == 0u) {
      table[location] |= place + 1u;
      rows[image * params.image_locations + place] = Row(location, (g << 16u) | u32(labels[g]), overlap, 0.0);
    } else if (found) {
      let slot = image * params.image_locations + known - 1u;
      if (overlap > rows[slot].score) {
        rows[slot].assigned = (g << 16u) | u32(labels[g]);
        rows[slot].score = overlap;
      }
    }
  }
}

/// The weight of a location is its highest IoU with a ground truth of whose region it is.
fn list_members(list: ptr<function, List>, g: u32, image: u32, level: u32, local: u32) {
  let window = windows[g * params.level_count + level];
  let box = boxes[g];
  let threshold = bitcast<f32>(window.w);
  let columns = window.z & 0xffffu;
  let size = columns * (window.z >> 16u);
  // A product instead of a division, which takes software adapters long; exact for windows of less than a million cells.
  let share = 1.0 / f32(max(columns, 1u));
  for (var first = 0u; first < size; first += SIZE) {
    let i = first + local;
    let row = u32((f32(i) + 0.5) * share);
    let cell = window.xy + vec2u(i - row * columns, row);
    let anchor = anchor_box_at(level, cell);
    let overlap = box_iou(anchor, box);
    let found = i < size && overlap > 0.0 && is_member(anchor, box, threshold);
    var location = 0u;
    var state = 0u;
    if (found) {
      location = location_of(level, image, cell.y * params.levels[level].z + cell.x);
      state = table[location];
    }
    let known = state & ~TABLE_IGNORED;
    let place = append(list, found && known == 0u, local);
    if (found && known == 0u) {
      table[location] = state | (place + 1u);
      let assigned = select(BACKGROUND, IGNORED, (state & TABLE_IGNORED) != 0u);
      rows[image * params.image_locations + place] = Row(location, assigned, 0.0, overlap);
    } else if (found) {
      let slot = image * params.image_locations + known - 1u;
      rows[slot].vlr = max(rows[slot].vlr, overlap);
    }
  }
}

/// Leaves in the table what the pass over all class logits needs, and counts.
fn finish(list: ptr<function, List>, image: u32, local: u32) {
  var weight = 0.0;
  for (var i = local; i < (*list).count; i += SIZE) {
    let row = rows[image * params.image_locations + i];
    let positive = is_positive(row);
    table[row.location] = select(select(0u, TABLE_IGNORED, row.assigned == IGNORED), (row.assigned & 0xffffu) + 1u, positive);
    var level = 0u;
    while (level + 1u < params.level_count && row.location >= params.batch * params.levels[level + 1u].x) {
      level++;
    }
    if (positive) {
      atomicAdd(&level_positives[level], 1u);
    }
    if (row.vlr > 0.0) {
      atomicAdd(&level_vlr[level], 1u);
    }
    weight += row.vlr;
  }
  weights[local] = weight;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  var list = List(0u, 0u);
  for (var g = image_starts[image]; g < image_starts[image + 1u]; g++) {
    list_positives(&list, g, image, local);
    storageBarrier();
  }
  let positive_count = list.count;
  for (var g = image_starts[image]; g < image_starts[image + 1u]; g++) {
    for (var level = 0u; level < params.level_count; level++) {
      list_members(&list, g, image, level, local);
    }
    storageBarrier();
  }
  finish(&list, image, local);
  workgroupBarrier();
  let start = image * COUNTS;
  if (local < 8u) {
    counts[start + COUNT_LEVEL_POSITIVES + local] = f32(atomicLoad(&level_positives[local]));
    counts[start + COUNT_LEVEL_VLR + local] = f32(atomicLoad(&level_vlr[local]));
  }
  if (local == 0u) {
    var sum = 0.0;
    for (var i = 0u; i < SIZE; i++) {
      sum += weights[i];
    }
    counts[start + COUNT_POSITIVES] = f32(positive_count);
    counts[start + COUNT_ROWS] = f32(list.count);
    counts[start + COUNT_VLR_WEIGHT] = sum;
  }
}
