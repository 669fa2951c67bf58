// Distillation of boxes at all locations, an invocation each: IoU distillation (BCKD, Yang et al., ICCV 2023), LD (CrossKD, Wang et al.,
// CVPR 2024), or both. Writes the gradient of all box logits. Forms: the box loss in terms/giou.wgsl and the like, the teacher's bins in
// terms/edges_same.wgsl and edges_rebinned.wgsl.

struct Params {
#include "head_box_fields.wgsl"
  /// of all images
  locations: u32,
  /// words from one kind of weight to the next
  weight_stride: u32,
  /// 4, unknown to the compiler: unrolled loops over edges would take it ten times as long
  edges: u32,
  temperature: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher_box: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
/// of head_lesson.wgsl: 0 where a label does not count
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> factors: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
/// [2, locations]: LD, IoU distillation; see head_coded.wgsl
@group(0) @binding(7) var<storage, read_write> losses: array<u32>;

override IOU: bool = false;
override LD: bool = false;
// Kind of weight; WEIGHTS: each location counts once.
override IOU_WEIGHT: u32 = 0u;
override LD_WEIGHT: u32 = 0u;
const WEIGHTS = 2u;
/// LD sums over the bins; else it is their mean.
override LD_SUMS: bool = false;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/kl.wgsl"
#include "../lib/overlap.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/bin_shares.wgsl"
#include "../lib/expected_value.wgsl"
#include "../lib/teacher_edges.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../regions/sample.wgsl"
#include "head_place.wgsl"
#include "head_centre.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"
#include "head_taught_box.wgsl"

/// Sum of the logits that were read: exp(NaN) and max(NaN, x) are numbers on some adapters.
var<private> seen: f32;

fn weight_of(kind: u32, location: u32) -> f32 {
  if (kind == WEIGHTS) {
    return select(1.0, 0.0, table[location] >= TABLE_IGNORED);
  }
  return weights[kind * params.weight_stride + location];
}

fn read_student(at: Place, edge: u32, z: ptr<function, Bins>) {
  let entry = params.student_layout[at.level];
  let first = strided(entry, at.image, edge * BINS, at.index);
  for (var k = 0u; k < BINS; k++) { // unroll
    (*z)[k] = student[first + k * entry.z];
    seen += (*z)[k];
  }
}

fn student_edge(at: Place, edge: u32) -> f32 {
  var z: Bins;
  read_student(at, edge, &z);
  if (BINS == 1u) {
    return z[0];
  }
  softmax_bins(&z, 1.0);
  return expected_value(&z);
}

/// Writes the gradient of an edge; returns its KL.
fn edge_term(at: Place, edge: u32, expected: f32, slope: f32, ld_factor: f32) -> f32 {
  let entry = params.student_layout[at.level];
  let first = strided(entry, at.image, edge * BINS, at.index);
  if (BINS == 1u) {
    gradient[first] = slope;
    return 0.0;
  }
  var z: Bins;
  read_student(at, edge, &z);
  var slopes: Bins;
  var kl = 0.0;
  if (IOU) {
    for (var k = 0u; k < BINS; k++) { // unroll
      slopes[k] = z[k];
    }
    softmax_bins(&slopes, 1.0);
    for (var k = 0u; k < BINS; k++) { // unroll
      slopes[k] *= slope * (value_of(k) - expected);
    }
  }
  if (LD) {
    let inverse_temperature = 1.0 / params.temperature;
    var p: Bins;
    var log_p: Bins;
    teacher_distribution_at(at, edge, inverse_temperature, &p, &log_p);
    var q: Bins;
    let sum = powers_of_bins(&z, &q, inverse_temperature);
    let share = 1.0 / sum;
    let log_sum = log(sum);
    for (var k = 0u; k < BINS; k++) { // unroll
      let part = divergence_of(p[k], q[k] * share, (z[k] - log_sum) - log_p[k]);
      kl += part.x;
      slopes[k] += ld_factor * part.y;
    }
  }
  for (var k = 0u; k < BINS; k++) { // unroll
    gradient[first + k * entry.z] = slopes[k];
  }
  return kl;
}

fn write_zeros(at: Place) {
  let entry = params.student_layout[at.level];
  let first = strided(entry, at.image, 0u, at.index);
  for (var k = 0u; k < 4u * BINS; k++) {
    gradient[first + k * entry.z] = 0.0;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let found = locate(location);
  let at = Place(found.level, found.image, found.index);
  var iou_factor = 0.0;
  var ld_factor = 0.0;
  if (IOU) {
    iou_factor = weight_of(IOU_WEIGHT, location) * factors[factor_at(TERM_LD_IOU, at.level)];
  }
  if (LD) {
    ld_factor = weight_of(LD_WEIGHT, location) * factors[factor_at(TERM_LD, at.level)];
  }
  var loss = BoxLoss();
  var kl = 0.0;
  let scale = select(params.temperature / f32(BINS), params.temperature, LD_SUMS);
  if (iou_factor == 0.0 && ld_factor == 0.0) {
    write_zeros(at);
  } else {
    var expected: vec4f;
    if (IOU) {
      for (var edge = 0u; edge < params.edges; edge++) {
        expected[edge] = student_edge(at, edge);
      }
      var bound: vec4f;
      for (var edge = 0u; edge < params.edges; edge++) {
        bound[edge] = teacher_edge_at(at, edge);
      }
      loss = taught_box_loss(expected, bound, centre_of(at));
    }
    for (var edge = 0u; edge < params.edges; edge++) {
      kl += edge_term(at, edge, expected[edge], iou_factor * loss.gradient[edge], ld_factor * scale);
    }
  }
  losses[location] = coded(ld_factor * params.temperature * scale * kl, location);
  let iou_loss = select(bitcast<u32>(iou_factor * loss.loss), bitcast<u32>(seen), is_bad(seen));
  losses[params.locations + location] = coded(bitcast<f32>(iou_loss), location);
}
