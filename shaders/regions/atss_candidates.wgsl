// ATSS (Zhang et al., CVPR 2020), first pass: one workgroup a ground truth, one invocation a level. Finds each level's topk anchors nearest to
// the box's centre, by (distance, index), the threshold t = mean + standard deviation of their IoU, and the positives: IoU >= t and the
// anchor's centre inside the box. Also a window of each level with all anchors of which the box covers at least gamma·t: it holds either VLR.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  topk: u32,
  /// the entry of `weight` of an ignored anchor
  ignored: u32,
  /// the VLR's lower bound as a share of t
  gamma: f32,
  levels: array<vec4u, 8>,
}
/// Ignore regions count: ignored anchors are infinitely far, taken only where a level has too few others.
override IGNORE: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
/// [G] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> images: array<u32>;
/// [B] width and height, pixels
@group(0) @binding(3) var<storage, read> image_sizes: array<vec2u>;
/// [locations], of label_weight.wgsl
@group(0) @binding(4) var<storage, read> weight: array<u32>;
/// [G, levels, topk]: cell of its level of each positive candidate, NONE elsewhere
@group(0) @binding(5) var<storage, read_write> positives: array<u32>;
/// [G]: t, or -1 where there are fewer than two candidates
@group(0) @binding(6) var<storage, read_write> thresholds: array<f32>;
/// [G, levels]: first column and row, columns | rows << 16 (0 where t is -1), bits of t
@group(0) @binding(7) var<storage, read_write> windows: array<vec4u>;

#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "window.wgsl"
#include "vlr_member.wgsl"

const MAX_TOPK = 32u;
const MAX_LEVELS = 8u;
const NONE = 0xffffffffu;
/// Beyond every squared distance of finite boxes.
const IGNORED_DISTANCE = 1e37;
/// A positive's centre is further inside its box than this, pixels.
const INSIDE_MARGIN = 0.01;

/// cell and IoU of each level's candidates
var<workgroup> cells: array<u32, MAX_LEVELS * MAX_TOPK>;
var<workgroup> overlaps: array<f32, MAX_LEVELS * MAX_TOPK>;
var<workgroup> counts: array<u32, MAX_LEVELS>;
var<workgroup> threshold: f32;

/// The greatest distance, along one axis and in strides, from the centre to the `count` cells about it.
fn farthest(centre: f32, count: u32, size: u32) -> f32 {
  let start = clamp(ceil(centre - 0.5 * f32(count)), 0.0, f32(size - count));
  return max(abs(start - centre), abs(start + f32(count - 1u) - centre));
}

/// First and last + 1 of the cells of a row or column within a distance of the centre, with room for rounding. At most topk + 2: each
/// of the topk nearest cells lies in the topk nearest columns and rows (cells nearer in both are nearer).
fn near(centre: f32, distance: f32, size: u32) -> vec2u {
  let extent = min(size, params.topk + 2u);
  let start = clamp(ceil(centre - 0.5 * f32(params.topk)) - 1.0, 0.0, f32(size - extent));
  let slack = 1e-3 + 1e-5 * (abs(centre) + distance);
  let first = clamp(ceil(centre - distance - slack), start, start + f32(extent));
  let end = clamp(floor(centre + distance + slack) + 1.0, first, start + f32(extent));
  return vec2u(u32(first), u32(end));
}

/// First column, last + 1, first row, last + 1 of possible candidates: no farther than the farthest of some block of at least `limit` cells.
fn candidate_window(centre: vec2f, limit: u32, valid: vec2u) -> vec4u {
  if (IGNORE) {
    return vec4u(0u, valid.x, 0u, valid.y);
  }
  var columns = min(valid.x, u32(ceil(sqrt(f32(limit)))));
  let rows = min(valid.y, (limit + columns - 1u) / columns);
  columns = min(valid.x, (limit + rows - 1u) / rows);
  let distance = length(vec2f(farthest(centre.x, columns, valid.x), farthest(centre.y, rows, valid.y)));
  return vec4u(near(centre.x, distance, valid.x), near(centre.y, distance, valid.y));
}

/// Symmetric in x and y whatever the compiler fuses, so that equal distances compare as equal.
fn squared_length(offset: vec2f) -> f32 {
  let size = abs(offset);
  let long = max(size.x, size.y);
  let short = min(size.x, size.y);
  return long * long + short * short;
}

/// Puts a level's candidates, nearest first, into `cells`; returns how many.
fn select_nearest(level: u32, image: u32, box: vec4f) -> u32 {
  let entry = params.levels[level];
  let valid = valid_cells(level, image_sizes[image]);
  let centre = 0.5 * (box.xy + box.zw);
  let limit = min(params.topk, valid.x * valid.y);
  let window = candidate_window(centre / f32(entry.w) - params.centre_offset, limit, valid);
  let base = level * MAX_TOPK;
  var distances: array<f32, MAX_TOPK>;
  var count = 0u;
  for (var row = window.z; row < window.w; row++) {
    for (var column = window.x; column < window.y; column++) {
      let cell = row * entry.z + column;
      var distance = squared_length(anchor_centre_at(level, vec2u(column, row)) - centre);
      if (IGNORE) {
        let first = params.batch * entry.x + image * entry.y * entry.z;
        distance = select(IGNORED_DISTANCE, distance, weight[first + cell] != params.ignored);
      }
      // Cells come in order of index: at equal distance the earlier one stays first.
      if (count == limit && distance >= distances[limit - 1u]) {
        continue;
      }
      count = min(count + 1u, limit);
      var slot = count - 1u;
      while (slot > 0u && distances[slot - 1u] > distance) {
        distances[slot] = distances[slot - 1u];
        cells[base + slot] = cells[base + slot - 1u];
        slot--;
      }
      distances[slot] = distance;
      cells[base + slot] = cell;
    }
  }
  return count;
}

/// Mean plus unbiased standard deviation of the IoU. Deviations are from one of the values, so that equal values give exactly themselves.
fn mean_plus_deviation() -> f32 {
  var total = 0u;
  var shift = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    total += counts[level];
    shift = max(shift, overlaps[level * MAX_TOPK]);
  }
  if (total < 2u) {
    return -1.0;
  }
  var sum = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    for (var i = 0u; i < counts[level]; i++) {
      sum += overlaps[level * MAX_TOPK + i] - shift;
    }
  }
  let mean = shift + sum / f32(total);
  var squares = 0.0;
  for (var level = 0u; level < params.level_count; level++) {
    for (var i = 0u; i < counts[level]; i++) {
      let deviation = overlaps[level * MAX_TOPK + i] - mean;
      squares += deviation * deviation;
    }
  }
  return mean + sqrt(squares / f32(total - 1u));
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) level: u32) {
  let g = workgroup.x;
  let box = boxes[g];
  var count = 0u;
  if (level < params.level_count) {
    count = select_nearest(level, images[g], box);
    counts[level] = count;
    for (var i = 0u; i < count; i++) {
      overlaps[level * MAX_TOPK + i] = box_iou(anchor_box(level, cells[level * MAX_TOPK + i]), box);
    }
  }
  workgroupBarrier();
  if (level == 0u) {
    threshold = mean_plus_deviation();
    thresholds[g] = threshold;
  }
  workgroupBarrier();
  if (level < params.level_count) {
    let window = vlr_window(level, valid_cells(level, image_sizes[images[g]]), box, threshold);
    windows[g * params.level_count + level] = vec4u(window.first, window.size.x | (window.size.y << 16u), bitcast<u32>(threshold));
    let base = (g * params.level_count + level) * params.topk;
    for (var i = 0u; i < params.topk; i++) {
      var positive = NONE;
      if (i < count && threshold >= 0.0) {
        let cell = cells[level * MAX_TOPK + i];
        let inside = box_inside_margin(anchor_centre(level, cell), box) > INSIDE_MARGIN;
        positive = select(NONE, cell, inside && overlaps[level * MAX_TOPK + i] >= threshold);
      }
      positives[base + i] = positive;
    }
  }
}
