// One invocation a listed row (a positive, with distillation of classes in the VLR any row), after head_stream.wgsl: score, box and
// quality of a positive, quality focal loss of its class (LD spec 4.1), class distillation (4.6, 4.7) and the gradient of both.
// Loops over classes and bins stay loops: they end at uniforms, for what a compiler unrolls takes it long.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  classes: u32,
  bins: u32,
  /// COUNT_POSITIVES or COUNT_SAMPLES
  which: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  beta: f32,
  cls_weight: f32,
  cls_normaliser: u32,
  temperature: f32,
  kd_weight: f32,
  kd_vlr_weight: f32,
  /// 0 level, 1 region, 2 none
  kd_normaliser: u32,
  /// see head_records.wgsl
  other_records: u32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> box_logits: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(4) var<storage, read> targets: array<vec4f>;
@group(0) @binding(5) var<storage, read> counts: array<f32>;
@group(0) @binding(6) var<storage, read> samples: array<Sample>;
/// laid out as the student's logits
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
/// see head_records.wgsl
@group(0) @binding(8) var<storage, read_write> records: array<u32>;

/// class distillation: 0 none, 1 KL of the softmax over the classes, 2 sum of binary KL of the classes' sigmoids
override KD: u32 = 0u;

#include "../lib/layout.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/boxes.wgsl"
#include "../lib/qfl.wgsl"
#include "../lib/kl.wgsl"
#include "../regions/sample.wgsl"
#include "head_place.wgsl"
#include "head_centre.wgsl"
#include "head_share.wgsl"
#include "head_class_factor.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"

fn highest_logit(at: Place) -> f32 {
  let entry = params.student_layout[at.level];
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, student[strided(entry, at.image, c, at.index)]);
  }
  return highest;
}

/// Expected edge of the student, in bins.
fn expected_edge(at: Place, edge: u32) -> f32 {
  let entry = params.box_layout[at.level];
  let first = strided(entry, at.image, edge * params.bins, at.index);
  var highest = -3.0e38;
  for (var k = 0u; k < params.bins; k++) {
    highest = max(highest, box_logits[first + k * entry.z]);
  }
  var sum = 0.0;
  var moment = 0.0;
  for (var k = 0u; k < params.bins; k++) {
    let power = exp(box_logits[first + k * entry.z] - highest);
    sum += power;
    moment += f32(k) * power;
  }
  return moment / sum;
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
  if (KD == 1u) {
    statistics = softmax_statistics(at, highest);
  }
  let scale = params.temperature / f32(params.classes);
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let element = strided(entry, at.image, c, at.index);
    let x = student[element];
    let y = teacher[strided(teacher_entry, at.image, c, at.index)];
    var term: vec2f;
    if (KD == 2u) {
      term = binary_divergence(x * cold, y * cold);
    } else {
      term = divergence((y - statistics.y) * cold - statistics.z, (x - highest) * cold - statistics.x);
    }
    sum += term.x;
    gradient[element] += factor * scale * term.y;
  }
  return params.temperature * scale * sum;
}

/// Writes a positive's score, and the quality focal loss of its class.
fn do_positive(at: Place, sample: Sample, record: u32, highest: f32, factor: f32) {
  let score = 1.0 / (1.0 + exp(-highest));
  records[record + RECORD_BOX_WEIGHT] = bitcast<u32>(score);
  records[record + RECORD_LD_WEIGHT] = bitcast<u32>(score);
  var expected: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    expected[edge] = expected_edge(at, edge);
    records[record + RECORD_EDGES + edge] = bitcast<u32>(expected[edge]);
  }
  let predicted = decode_box(expected, centre_of(at), params.anchor, params.bins);
  let box = targets[sample.assigned >> 16u] / f32(params.levels[at.level].w);
  let element = strided(params.student_layout[at.level], at.image, sample.assigned & 0xffffu, at.index);
  let focal = factor * qfl(student[element], box_iou(predicted, box), params.beta);
  gradient[element] = focal.y;
  records[record + RECORD_QFL] = coded(focal.x, sample.location);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let positives = count_of(image, COUNT_POSITIVES);
  let positives_before = count_before(image, COUNT_POSITIVES);
  let others_before = params.other_records + OTHER * (count_before(image, COUNT_SAMPLES) - positives_before);
  let part = part_of(0u, count_of(image, params.which), workgroup.x, workgroups.x);
  let factor = class_factor();
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let at = place_of(sample.location, image);
    let highest = highest_logit(at);
    let record = RECORD * (positives_before + i);
    if (i < positives) {
      do_positive(at, sample, record, highest, factor);
    }
    if (KD > 0u) {
      let factors = distillation_factors(at.level);
      let main_factor = select(0.0, factors.x, i < positives);
      let vlr_factor = select(0.0, factors.y, sample.vlr > 0.0 && sample.assigned != IGNORED);
      var divergence = 0.0;
      if (main_factor + vlr_factor > 0.0) {
        divergence = distil(at, highest, main_factor + vlr_factor);
      }
      let vlr_loss = coded(vlr_factor * divergence, sample.location);
      if (i < positives) {
        records[record + RECORD_KD] = coded(main_factor * divergence, sample.location);
        records[record + RECORD_KD_VLR] = vlr_loss;
      } else {
        records[others_before + OTHER * (i - positives) + OTHER_KD] = vlr_loss;
      }
    } else {
      records[record + RECORD_KD] = 0u;
      records[record + RECORD_KD_VLR] = 0u;
    }
  }
}
