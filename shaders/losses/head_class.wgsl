// One invocation a positive, after head_stream.wgsl: class loss (terms/qfl.wgsl and the like) with its gradient, weights and expected
// edges. Loops over classes and bins end at uniforms: unrolled, they take long to compile.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  classes: u32,
  bins: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// of the class loss, over its normaliser
  weight: f32,
  normaliser: u32,
  beta: f32,
  alpha: f32,
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
  teacher_cells: array<vec4f, 8>,
  box_layout: array<vec4u, 8>,
  projection: array<vec4f, 16>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> student_box: array<f32>;
/// [T] xyxy pixels
@group(0) @binding(4) var<storage, read> targets: array<vec4f>;
@group(0) @binding(5) var<storage, read> counts: array<f32>;
@group(0) @binding(6) var<storage, read> samples: array<Sample>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(8) var<storage, read_write> records: array<u32>;

const WEIGHT_BEST_SCORE = 0u;
const WEIGHT_TARGET_SCORE = 1u;
const WEIGHT_TEACHER_SCORE = 2u;
const WEIGHT_NONE = 3u;
const WEIGHT_DIFFERENCE = 4u;
override BOX_WEIGHT: u32 = 0u;
override LD_WEIGHT: u32 = 0u;
override IOU_WEIGHT: u32 = 0u;
/// The class target is the assignment's; else the IoU of the student's own box.
override ASSIGNED: bool = false;

#include "../lib/layout.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/student_edge.wgsl"
#include "../lib/boxes.wgsl"
#include "../regions/sample.wgsl"
#include "head_place.wgsl"
#include "head_centre.wgsl"
#include "head_share.wgsl"
#include "head_normaliser.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"

fn best_score(at: Place) -> f32 {
  let entry = params.student_layout[at.level];
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, student[strided(entry, at.image, c, at.index)]);
  }
  return 1.0 / (1.0 + exp(-highest));
}

fn teacher_score(at: Place) -> f32 {
  let entry = params.teacher_layout[at.level];
  let index = teacher_index(at.level, at.index);
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, teacher[strided(entry, at.image, c, index)]);
  }
  return 1.0 / (1.0 + exp(-highest));
}

/// max_c |σ(teacher) − σ(student)|
fn scores_apart(at: Place) -> f32 {
  let entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  let index = teacher_index(at.level, at.index);
  var apart = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let x = student[strided(entry, at.image, c, at.index)];
    let t = teacher[strided(teacher_entry, at.image, c, index)];
    apart = max(apart, abs(1.0 / (1.0 + exp(-x)) - 1.0 / (1.0 + exp(-t))));
  }
  return apart;
}

fn weight_of(kind: u32, best: f32, sample: Sample, at: Place) -> f32 {
  if (kind == WEIGHT_TARGET_SCORE) {
    return sample.score;
  }
  if (kind == WEIGHT_TEACHER_SCORE) {
    return teacher_score(at);
  }
  if (kind == WEIGHT_DIFFERENCE) {
    return scores_apart(at);
  }
  return select(best, 1.0, kind == WEIGHT_NONE);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let before = count_before(image, COUNT_POSITIVES);
  let part = part_of(0u, count_of(image, COUNT_POSITIVES), workgroup.x, workgroups.x);
  let factor = params.weight / divisor_of_counts(params.normaliser);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let at = place_of(sample.location, image);
    let record = RECORD * (before + i);
    let best = best_score(at);
    records[record + RECORD_BOX_WEIGHT] = bitcast<u32>(weight_of(BOX_WEIGHT, best, sample, at));
    records[record + RECORD_LD_WEIGHT] = bitcast<u32>(select(0.0, weight_of(LD_WEIGHT, best, sample, at), is_taught(at.level)));
    records[record + RECORD_IOU_WEIGHT] = bitcast<u32>(select(0.0, weight_of(IOU_WEIGHT, best, sample, at), is_taught(at.level)));
    for (var term = TERM_DFL + 1u; term < RECORDED; term++) {
      records[record + term] = 0u;
    }
    var expected: vec4f;
    let box_entry = params.box_layout[at.level];
    for (var edge = 0u; edge < 4u; edge++) {
      expected[edge] = expected_edge(strided(box_entry, image, edge * params.bins, at.index), box_entry.z);
      records[record + RECORD_EDGES + edge] = bitcast<u32>(expected[edge]);
    }
    var target_score = sample.score;
    if (!ASSIGNED) {
      let predicted = decode_box(expected, centre_of(at), params.anchor, params.bins);
      let box = targets[sample.assigned >> 16u] / f32(params.levels[at.level].w);
      target_score = box_iou(predicted, box);
    }
    let element = strided(params.student_layout[at.level], at.image, sample.assigned & 0xffffu, at.index);
    let loss = factor * class_loss(student[element], target_score);
    // The pass over all class logits has left there 0, or the slope of class distillation.
    gradient[element] += loss.y;
    records[record + TERM_CLS] = coded(loss.x, sample.location);
  }
}
