// One invocation a listed row (a positive, with distillation of classes in the VLR any row), after head_stream.wgsl: score and
// quality of a positive, quality focal loss of its class (LD spec 4.1), class distillation (4.6, 4.7) and the gradient of both.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  classes: u32,
  /// COUNT_POSITIVES or COUNT_ROWS
  which: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  beta: f32,
  cls_weight: f32,
  cls_normaliser: u32,
  temperature: f32,
  /// 1: sum of binary KL of the classes' sigmoids; 0: KL of the softmax over the classes
  binary: u32,
  kd_weight: f32,
  kd_vlr_weight: f32,
  /// 0 level, 1 region, 2 none
  kd_normaliser: u32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// box logits, or where EXPECTED four expected edges of each positive, in the order of the lists
@group(0) @binding(3) var<storage, read> box_logits: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(4) var<storage, read> truth: array<vec4f>;
@group(0) @binding(5) var<storage, read> counts: array<f32>;
@group(0) @binding(6) var<storage, read_write> rows: array<Row>;
/// laid out as the student's logits
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
/// [workgroups, PARTIALS] of QFL, KD main, KD VLR, score
@group(0) @binding(8) var<storage, read_write> partials: array<vec2u>;

override EXPECTED: bool = false;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/qfl.wgsl"
#include "../lib/kl.wgsl"
#include "head_row.wgsl"
#include "head_list.wgsl"
#include "head_class_factor.wgsl"
#include "head_partials.wgsl"

fn highest_logit(at: Place) -> f32 {
  let entry = params.student_layout[at.level];
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, student[strided(entry, at.image, c, at.index)]);
  }
  return highest;
}

/// Box of the positive at place `index` of its image's list.
fn decoded_box(at: Place, index: u32) -> vec4f {
  var expected: vec4f;
  if (EXPECTED) {
    var first = 4u * index;
    for (var image = 0u; image < at.image; image++) {
      first += 4u * u32(counts[image * COUNTS + COUNT_POSITIVES]);
    }
    expected = vec4f(box_logits[first], box_logits[first + 1u], box_logits[first + 2u], box_logits[first + 3u]);
    return decode_box(expected, centre_of(at), params.anchor);
  }
  let entry = params.box_layout[at.level];
  for (var edge = 0u; edge < 4u; edge++) {
    var z: Bins;
    for (var k = 0u; k < BINS; k++) {
      z[k] = box_logits[strided(entry, at.image, edge * BINS + k, at.index)];
    }
    softmax_bins(&z, 1.0);
    expected[edge] = expectation(&z);
  }
  return decode_box(expected, centre_of(at), params.anchor);
}

/// Log Σ exp((x − highest)/T) of the student's class logits, then maximum and the same of the teacher's.
fn softmax_statistics(at: Place, highest: f32) -> vec3f {
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  let cold = 1.0 / params.temperature;
  var teacher_highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    teacher_highest = max(teacher_highest, teacher[strided(teacher_entry, at.image, c, at.index)]);
  }
  var sums = vec2f();
  for (var c = 0u; c < params.classes; c++) {
    let x = student[strided(entry, at.image, c, at.index)] - highest;
    let y = teacher[strided(teacher_entry, at.image, c, at.index)] - teacher_highest;
    sums += vec2f(exp(x * cold), exp(y * cold));
  }
  return vec3f(log(sums.x), teacher_highest, log(sums.y));
}

/// Weights of class distillation over their normalisers, (main, VLR) on a level; 0 where the set is empty.
fn distillation_factors(level: u32) -> vec2f {
  var sizes = vec2f(1.0);
  if (params.kd_normaliser != 2u) {
    sizes = vec2f();
    for (var image = 0u; image < params.batch; image++) {
      for (var l = 0u; l < params.level_count; l++) {
        let start = image * COUNTS + l;
        let own = vec2f(counts[start + COUNT_LEVEL_POSITIVES], counts[start + COUNT_LEVEL_VLR]);
        sizes += select(vec2f(), own, l == level || params.kd_normaliser == 1u);
      }
    }
  }
  return select(vec2f(), vec2f(params.kd_weight, params.kd_vlr_weight) / sizes, sizes > vec2f());
}

/// Adds the gradient of class distillation at a row; returns the divergence, (T²/C) Σ p (ln p − ln q). Its gradient is
/// (T/C) (q − p).
fn distil(at: Place, highest: f32, factor: f32) -> f32 {
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  let cold = 1.0 / params.temperature;
  var statistics = vec3f();
  if (params.binary == 0u) {
    statistics = softmax_statistics(at, highest);
  }
  let scale = params.temperature / f32(params.classes);
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let element = strided(entry, at.image, c, at.index);
    let x = student[element];
    let y = teacher[strided(teacher_entry, at.image, c, at.index)];
    var term: vec2f;
    if (params.binary == 1u) {
      term = binary_divergence(x * cold, y * cold);
    } else {
      term = divergence((y - statistics.y) * cold - statistics.z, (x - highest) * cold - statistics.x);
    }
    sum += term.x;
    gradient[element] += factor * scale * term.y;
  }
  return params.temperature * scale * sum;
}

/// 64 rows; every invocation of the workgroup calls it.
fn do_rows(group: u32, count: u32, local: u32) {
  let index = group * ROWS + local;
  var values = vec4f();
  var level = 8u;
  var location = 0u;
  if (index < count) {
    let found = find_entry(index, params.which);
    let slot = found.y * params.image_slots + found.x;
    var row = rows[slot];
    let at = place_of(row.location, found.y);
    level = at.level;
    location = row.location;
    let highest = highest_logit(at);
    if (is_positive(row)) {
      let label = row.assigned & 0xffffu;
      let box = truth[row.assigned >> 16u] / f32(params.levels[at.level].w);
      row.score = 1.0 / (1.0 + exp(-highest));
      rows[slot].score = row.score;
      let element = strided(params.student_layout[at.level], at.image, label, at.index);
      let focal = class_factor() * qfl(student[element], box_iou(decoded_box(at, found.x), box), params.beta);
      gradient[element] = focal.y;
      values.x = focal.x;
      values.w = row.score;
    }
    let factors = distillation_factors(at.level);
    let main_factor = select(0.0, factors.x, is_positive(row));
    let vlr_factor = select(0.0, factors.y, row.vlr > 0.0 && row.assigned != IGNORED);
    let factor = main_factor + vlr_factor;
    if (factor > 0.0) {
      let divergence = distil(at, highest, factor);
      values.y = main_factor * divergence;
      values.z = vlr_factor * divergence;
    }
  }
  write_partials(values, level, location, group, local);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let count = listed(params.which);
  for (var group = linear_index(workgroup, workgroups, 0u, 1u); group * ROWS < count; group += workgroups.x * workgroups.y) {
    do_rows(group, count, local);
  }
}
