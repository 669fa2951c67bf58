// Class distillation of samples in the main region or the VLR, an invocation each. Divergence: terms/kd_softmax.wgsl and the like.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  classes: u32,
  /// COUNT_POSITIVES or COUNT_SAMPLES
  which: u32,
  temperature: f32,
  beta: f32,
  /// see head_records.wgsl
  other_records: u32,
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
  centre_offset: f32,
  teacher_cells: array<vec4f, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read> samples: array<Sample>;
@group(0) @binding(5) var<storage, read> factors: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(7) var<storage, read_write> records: array<u32>;

#include "../lib/layout.wgsl"
#include "../lib/kl.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../regions/sample.wgsl"
#include "head_place.wgsl"
#include "head_share.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"

/// (student, teacher)
fn class_logits(entry: vec4u, teacher_entry: vec4u, at: Place, class_index: u32) -> vec2f {
  return vec2f(
    student[strided(entry, at.image, class_index, at.index)],
    teacher[strided(teacher_entry, at.image, class_index, teacher_index(at.level, at.index))],
  );
}

/// Adds the gradient and returns the divergence.
fn distil(at: Place, factor: f32) -> f32 {
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  let statistics = statistics_of(at);
  let scale = class_scale();
  var sum = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let term = class_divergence(class_logits(entry, teacher_entry, at, c), statistics);
    sum += term.x;
    gradient[strided(entry, at.image, c, at.index)] += factor * scale * term.y;
  }
  return params.temperature * scale * sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let positives = count_of(image, COUNT_POSITIVES);
  let positives_before = count_before(image, COUNT_POSITIVES);
  let others = params.other_records + OTHER * (count_before(image, COUNT_SAMPLES) - positives_before);
  let part = part_of(0u, count_of(image, params.which), workgroup.x, workgroups.x);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let at = place_of(sample.location, image);
    let is_valuable = sample.vlr > 0.0 && sample.assigned != IGNORED;
    let main_factor = select(0.0, factors[factor_at(TERM_KD, at.level)], i < positives);
    let vlr_factor = select(0.0, factors[factor_at(TERM_KD_NEG, at.level)], is_valuable);
    var loss = 0.0;
    if (main_factor + vlr_factor > 0.0) {
      loss = distil(at, main_factor + vlr_factor);
    }
    let vlr_loss = coded(vlr_factor * loss, sample.location);
    if (i < positives) {
      let record = RECORD * (positives_before + i);
      records[record + TERM_KD] = coded(main_factor * loss, sample.location);
      records[record + TERM_KD_NEG] = vlr_loss;
    } else {
      records[others + OTHER * (i - positives) + OTHER_KD] = vlr_loss;
    }
  }
}
