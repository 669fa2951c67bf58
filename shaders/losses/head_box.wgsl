// One invocation a location of the main region or the VLR: GIoU (or CIoU), DFL and LD of its four edges (LD spec 4.2–4.5) and
// the gradient of all of them, written once. Elsewhere it only writes zero losses; the gradient was cleared before.

struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  classes: u32,
  temperature: f32,
  /// DFL targets end this many bins before the last
  margin: f32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// 1: CIoU instead of GIoU
  ciou: u32,
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<Row>;
@group(0) @binding(4) var<storage, read> factors: array<f32>;
/// laid out as the student's logits
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
/// [terms, locations]
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/kl.wgsl"
#include "../lib/giou.wgsl"
#include "../lib/box_parameters.wgsl"
#include "head_row.wgsl"

fn load_student(z: ptr<function, Bins>, at: Location, edge: u32) {
  let entry = params.student_layout[at.level];
  for (var k = 0u; k < BINS; k++) {
    (*z)[k] = student[strided(entry, at.image, edge * BINS + k, at.index)];
  }
}

fn load_teacher(z: ptr<function, Bins>, at: Location, edge: u32) {
  let entry = params.teacher_layout[at.level];
  for (var k = 0u; k < BINS; k++) {
    (*z)[k] = teacher[strided(entry, at.image, edge * BINS + k, at.index)];
  }
}

fn write_partials(location: u32, bbox: f32, dfl: f32, ld: f32, ld_vlr: f32) {
  partials[TERM_BBOX * params.locations + location] = bbox;
  partials[TERM_DFL * params.locations + location] = dfl;
  partials[TERM_LD * params.locations + location] = ld;
  partials[TERM_LD_VLR * params.locations + location] = ld_vlr;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let row = rows[location];
  let positive = row_label(row) < params.classes;
  // A positive's score is NaN where its class logits are: compared so that it passes on and is reported.
  let main_factor = select(0.0, factors[FACTOR_LD] * row.score, positive);
  let vlr_factor = factors[FACTOR_LD_VLR] * row.vlr;
  let ld_factor = main_factor + vlr_factor;
  let distilled = ld_factor != 0.0;
  if (!positive && !distilled) {
    write_partials(location, 0.0, 0.0, 0.0, 0.0);
    return;
  }
  let at = locate(location);
  let entry = params.student_layout[at.level];

  var z: Bins;
  var expected: vec4f;
  if (positive) {
    for (var edge = 0u; edge < 4u; edge++) {
      load_student(&z, at, edge);
      softmax_bins(&z, 1.0);
      expected[edge] = expectation(&z);
    }
  }

  var bbox = 0.0;
  var edge_gradient: vec4f;
  var targets: vec4f;
  let dfl_factor = select(0.0, factors[FACTOR_DFL] * row.score, positive);
  if (positive) {
    let width = params.levels[at.level].z;
    let centre = vec2f(f32(at.index % width), f32(at.index / width)) + params.centre_offset;
    let predicted = decode_box(expected, centre, params.anchor);
    let box_factor = factors[FACTOR_BBOX] * row.score;
    var overlap: BoxLoss;
    if (params.ciou == 1u) {
      overlap = ciou_loss(predicted, row.box);
    } else {
      overlap = giou_loss(predicted, row.box);
    }
    bbox = box_factor * overlap.loss;
    edge_gradient = box_factor * decode_pullback(expected, overlap.gradient, params.anchor);
    targets = clamp(encode_box(row.box, centre, params.anchor), vec4f(), vec4f(f32(BINS - 1u) - params.margin));
  }

  // ℓ = (T²/K) Σ p (ln p − ln q), its gradient (T/K) (q − p)
  let ld_scale = params.temperature / f32(BINS);
  var dfl = 0.0;
  var kl = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    load_student(&z, at, edge);
    let log_sum = shift_bins(&z, 1.0);
    var taught: Bins;
    var student_log_sum = 0.0;
    var teacher_log_sum = 0.0;
    if (distilled) {
      load_teacher(&taught, at, edge);
      teacher_log_sum = shift_bins(&taught, 1.0 / params.temperature);
      // z is shifted already: its greatest is 0 at any temperature
      var sum = 0.0;
      for (var k = 0u; k < BINS; k++) {
        sum += exp(z[k] / params.temperature);
      }
      student_log_sum = log(sum);
    }
    for (var k = 0u; k < BINS; k++) {
      var slope = 0.0;
      if (positive) {
        let log_p = z[k] - log_sum;
        let p = exp(log_p);
        let share = two_hot(k, targets[edge]);
        // by a branch: 0 · −∞ would be NaN where the logits are far apart
        if (share > 0.0) {
          dfl -= share * log_p;
        }
        slope = edge_gradient[edge] * p * (f32(k) - expected[edge]) + dfl_factor * (p - share);
      }
      if (distilled) {
        let term = divergence(taught[k] - teacher_log_sum, z[k] / params.temperature - student_log_sum);
        kl += term.x;
        slope += ld_factor * ld_scale * term.y;
      }
      gradient[strided(entry, at.image, edge * BINS + k, at.index)] = slope;
    }
  }
  kl *= params.temperature * ld_scale;
  write_partials(location, bbox, dfl_factor * dfl, main_factor * kl, vlr_factor * kl);
}
