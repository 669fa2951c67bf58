// The target score of a positive is the IoU of the student's box with its target: a workgroup an image; or, for GPUs, many that score and then
// one that adds up, with the same bits.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  image_slots: u32,
  bins: u32,
  levels: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
  projection: array<vec4f, 16>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_box: array<f32>;
/// [T] xyxy pixels
@group(0) @binding(2) var<storage, read> targets: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> samples: array<Sample>;
@group(0) @binding(4) var<storage, read_write> counts: array<f32>;

#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/box_parameters.wgsl"
#include "sample.wgsl"
#include "student_box.wgsl"
#include "score_sum.wgsl"

/// Both steps at once, or one.
const WHOLE = 0u;
const SCORE = 1u;
const SUM = 2u;
override STEP: u32 = WHOLE;

fn score_of(sample: Sample) -> f32 {
  let at = locate(sample.location);
  return box_iou(student_box_at(at.level, at.image, at.index), targets[sample.assigned >> 16u]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  let first = image * params.image_slots;
  let end = first + u32(counts[image * COUNTS + COUNT_POSITIVES]);
  var sum = 0.0;
  for (var i = first + LANES * workgroup.y + local; i < end; i += LANES * workgroups.y) {
    var score = samples[i].score;
    if (STEP != SUM) {
      score = score_of(samples[i]);
      samples[i].score = score;
    }
    sum += score;
  }
  if (STEP != SCORE) {
    write_score_sum(sum, image, local);
  }
}
