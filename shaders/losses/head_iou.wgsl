// IoU distillation of the positives, an invocation a positive: the box loss of the student's box against the teacher's. The form of
// the box loss is in terms/giou.wgsl and its like. Positives are few: loops over bins read logits again, and end at a uniform.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  bins: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  /// see ../lib/teacher_edges.wgsl
  teacher_bins: u32,
  teacher_offset: f32,
  teacher_cells: array<vec4f, 8>,
  teacher_box_layout: array<vec4u, 8>,
  teacher_projection: array<vec4f, 16>,
  /// see ../lib/bin_values.wgsl
  projection: array<vec4f, 16>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher_box: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read> samples: array<Sample>;
/// of head_factors.wgsl
@group(0) @binding(5) var<storage, read> factors: array<f32>;
/// laid out as the student's logits; holds the gradient of the box losses
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
/// see head_records.wgsl; expected edges and weights are known
@group(0) @binding(7) var<storage, read_write> records: array<u32>;

#include "../lib/layout.wgsl"
#include "../lib/overlap.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/two_hot.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/bin_shares.wgsl"
#include "../lib/teacher_edges.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_place.wgsl"
#include "head_centre.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"

/// Adds the gradient of an expected edge.
fn add_slope(first: u32, step: u32, expected: f32, slope: f32) {
  if (params.bins == 1u) {
    gradient[first] += slope;
    return;
  }
  var highest = -3.0e38;
  for (var k = 0u; k < params.bins; k++) {
    highest = max(highest, student[first + k * step]);
  }
  var sum = 0.0;
  for (var k = 0u; k < params.bins; k++) {
    sum += exp(student[first + k * step] - highest);
  }
  for (var k = 0u; k < params.bins; k++) {
    gradient[first + k * step] += slope * (exp(student[first + k * step] - highest) / sum) * (value_of(k) - expected);
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
    // A level that is not taught has no teacher's edges.
    if (factor == 0.0) {
      continue;
    }
    let entry = params.student_layout[at.level];
    let centre = centre_of(at);
    var expected: vec4f;
    var bound: vec4f;
    for (var edge = 0u; edge < 4u; edge++) {
      expected[edge] = bitcast<f32>(records[record + RECORD_EDGES + edge]);
      bound[edge] = teacher_edge(at.level, at.image, at.index, edge);
    }
    let box = decode_box(expected, centre, params.anchor, params.bins);
    let taught = decode_box(bound, centre, params.anchor, params.bins);
    var loss = BoxLoss();
    if (!box_is_inverted(box) && !box_is_inverted(taught)) {
      loss = box_loss(box, taught);
    }
    let slopes = factor * decode_pullback(expected, loss.gradient, params.anchor, params.bins);
    for (var edge = 0u; edge < 4u; edge++) {
      add_slope(strided(entry, image, edge * params.bins, at.index), entry.z, expected[edge], slopes[edge]);
    }
    records[record + TERM_LD_IOU] = coded(factor * loss.loss, sample.location);
  }
}
