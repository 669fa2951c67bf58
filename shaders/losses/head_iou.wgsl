// IoU distillation of the positives, an invocation each: the box loss (terms/giou.wgsl and the like) of the student's box against the
// teacher's.

struct Params {
#include "head_box_fields.wgsl"
  image_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

#include "head_box_pass.wgsl"
#include "../lib/overlap.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/box_parameters.wgsl"
#include "head_centre.wgsl"
#include "head_edges.wgsl"
#include "head_taught_box.wgsl"

/// Adds the gradient of an expected edge.
fn add_slope(first: u32, step: u32, expected: f32, slope: f32) {
  if (params.bins == 1u) {
    gradient[first] += slope;
    return;
  }
  let powers = student_powers(first, step, 1.0);
  for (var k = 0u; k < params.bins; k++) {
    gradient[first + k * step] += slope * (exp(student[first + k * step] - powers.x) / powers.y) * (value_of(k) - expected);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let before = count_before(image, COUNT_POSITIVES);
  let part = part_of(0u, count_of(image, COUNT_POSITIVES), workgroup.x, workgroups.x);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let record = RECORD * (before + i);
    let at = place_of(sample.location, image);
    let factor = bitcast<f32>(records[record + RECORD_IOU_WEIGHT]) * factors[factor_at(TERM_LD_IOU, at.level)];
    // A level that is not taught has no teacher's edges to read.
    if (factor == 0.0) {
      continue;
    }
    let entry = params.student_layout[at.level];
    let expected = recorded_edges(record);
    var bound: vec4f;
    for (var edge = 0u; edge < 4u; edge++) {
      bound[edge] = teacher_edge(at.level, at.image, at.index, edge);
    }
    let loss = taught_box_loss(expected, bound, centre_of(at));
    let slopes = factor * loss.gradient;
    for (var edge = 0u; edge < 4u; edge++) {
      add_slope(strided(entry, image, edge * params.bins, at.index), entry.z, expected[edge], slopes[edge]);
    }
    records[record + TERM_LD_IOU] = coded(factor * loss.loss, sample.location);
  }
}
