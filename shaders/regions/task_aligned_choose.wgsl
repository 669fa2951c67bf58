// Task-aligned assignment, second pass: a workgroup an object chooses the topk locations of highest metric above 0, over all levels, whose
// centres are inside it; at equal metric the lower index.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  topk: u32,
  alpha: f32,
  beta: f32,
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
/// [locations], of task_aligned_candidates.wgsl
@group(0) @binding(2) var<storage, read> located: array<vec4f>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(4) var<storage, read> labels: array<i32>;
@group(0) @binding(5) var<storage, read> images: array<u32>;
/// [G, topk]: locations, highest metric first, NONE where there are fewer; then the owners of task_aligned_candidates.wgsl
@group(0) @binding(6) var<storage, read_write> chosen: array<u32>;
/// [G, 2]: zeros, for task_aligned_scores.wgsl
@group(0) @binding(7) var<storage, read_write> maxima: array<u32>;

#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/logistic.wgsl"
#include "sample.wgsl"
#include "window.wgsl"
#include "task_overlap.wgsl"
#include "task_reach.wgsl"
#include "task_metric.wgsl"
#include "best_lists.wgsl"

/// Offers a level's cells to the invocation's list; returns its new length.
fn offer_level(level: u32, g: u32, before: u32, local: u32) -> u32 {
  let entry = params.levels[level];
  let channels = params.class_layout[level];
  let image = images[g];
  let box = boxes[g];
  let reach = reach_of(box);
  let window = covering_window(level, entry.zy, reach, vec2f(0.5));
  let size = window.size.x * window.size.y;
  var length = before;
  for (var i = local; i < size; i += LANES) {
    let cell = window_cell(window, i);
    if (!reaches(reach, anchor_centre_at(level, cell))) {
      continue;
    }
    let location = location_of(level, image, cell);
    let overlap = task_overlap(located[location], box);
    if (overlap > 0.0) {
      let logit = student_class[strided(channels, image, u32(labels[g]), cell.y * entry.z + cell.x)];
      let key = log_metric(logit, overlap);
      if (key > NO_METRIC && enters(key, length, params.topk, local)) {
        length = insert(key, location, length, params.topk, local);
      }
    }
  }
  return length;
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let g = workgroup.x;
  var length = 0u;
  for (var level = 0u; level < params.level_count; level++) {
    length = offer_level(level, g, length, local);
  }
  close_list(length, local);
  workgroupBarrier();
  if (local == 0u) {
    for (var i = 0u; i < params.topk; i++) {
      chosen[g * params.topk + i] = take_best().location;
    }
    maxima[2u * g] = 0u;
    maxima[2u * g + 1u] = 0u;
  }
}
