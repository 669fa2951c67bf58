// One invocation a location: quality focal loss over its classes (LD spec 4.1), class distillation where the location is in
// the main region or the VLR (4.6, 4.7), and the gradient of all of them, written once.

struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  classes: u32,
  beta: f32,
  temperature: f32,
  /// 1: sum of binary KL of the classes' sigmoids; 0: KL of the softmax over the classes
  binary: u32,
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
#include "../lib/qfl.wgsl"
#include "../lib/kl.wgsl"
#include "head_row.wgsl"

/// Maximum and log Σ exp((x − maximum)/T) of a location's class logits.
fn student_statistics(at: Location) -> vec2f {
  let entry = params.student_layout[at.level];
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, student[strided(entry, at.image, c, at.index)]);
  }
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    sum += exp((student[strided(entry, at.image, c, at.index)] - highest) / params.temperature);
  }
  return vec2f(highest, log(sum));
}

fn teacher_statistics(at: Location) -> vec2f {
  let entry = params.teacher_layout[at.level];
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, teacher[strided(entry, at.image, c, at.index)]);
  }
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    sum += exp((teacher[strided(entry, at.image, c, at.index)] - highest) / params.temperature);
  }
  return vec2f(highest, log(sum));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let row = rows[location];
  let label = row_label(row);
  let positive = label < params.classes;
  let labelled = (row.flags & LABELLED) != 0u;
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];

  let main_factor = select(0.0, factors[FACTOR_LEVELS + 4u * at.level], positive);
  let vlr_factor = select(0.0, factors[FACTOR_LEVELS + 4u * at.level + 1u], row.vlr > 0.0 && labelled);
  let kd_factor = main_factor + vlr_factor;
  let distilled = kd_factor > 0.0;
  var own = vec2f();
  var taught = vec2f();
  if (distilled && params.binary == 0u) {
    own = student_statistics(at);
    taught = teacher_statistics(at);
  }
  let qfl_factor = select(0.0, factors[FACTOR_CLS], labelled);
  // ℓ = (T²/C) Σ p (ln p − ln q), its gradient (T/C) (q − p)
  let kd_scale = params.temperature / f32(params.classes);

  var qfl_loss = 0.0;
  var kd_loss = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let element = strided(entry, at.image, c, at.index);
    let x = student[element];
    let target_quality = select(0.0, row.quality, c == label);
    let focal = qfl(x, target_quality, params.beta);
    qfl_loss += focal.x;
    var slope = qfl_factor * focal.y;
    if (distilled) {
      let y = teacher[strided(teacher_entry, at.image, c, at.index)];
      var term: vec2f;
      if (params.binary == 1u) {
        term = binary_divergence(x / params.temperature, y / params.temperature);
      } else {
        term = divergence((y - taught.x) / params.temperature - taught.y, (x - own.x) / params.temperature - own.y);
      }
      kd_loss += term.x;
      slope += kd_factor * kd_scale * term.y;
    }
    gradient[element] = slope;
  }
  kd_loss *= params.temperature * kd_scale;
  partials[TERM_CLS * params.locations + location] = qfl_factor * qfl_loss;
  partials[TERM_KD * params.locations + location] = main_factor * kd_loss;
  partials[TERM_KD_VLR * params.locations + location] = vlr_factor * kd_loss;
}
