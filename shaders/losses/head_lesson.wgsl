// Shared by head_stream_taught.wgsl and head_stream_taught_strided.wgsl, the passes over all class logits beside a teacher. Forms:
// terms/qfl.wgsl, terms/stream_kd_binary.wgsl and the like.

struct Params {
  batch: u32,
  level_count: u32,
  classes: u32,
  /// of the class loss, over its normaliser
  weight: f32,
  normaliser: u32,
  beta: f32,
  alpha: f32,
  /// of class distillation, over its normaliser; `kd_weights` is by level
  kd_normaliser: u32,
  /// 1: nothing on a level without positives
  kd_needs_positives: u32,
  kd_beta: f32,
  temperature: f32,
  /// first workgroup of this dispatch, and invocations of all dispatches of the pass
  first_group: u32,
  stream_count: u32,
  /// words from one kind of weight to the next
  weight_stride: u32,
  kd_weights: array<vec4f, 2>,
  /// (start, height, width, first workgroup) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
  centre_offset: f32,
  teacher_cells: array<vec4f, 8>,
}

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/background.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../regions/sample.wgsl"
#include "head_normaliser.wgsl"
#include "head_stream_sum.wgsl"

// Kinds of weight of a location in the distillation of boxes.
/// max_c |σ(teacher) − σ(student)|
const WEIGHT_DIFFERENCE = 0u;
/// max_c σ(teacher)
const WEIGHT_TEACHER = 1u;
const WEIGHTS = 2u;
override WEIGHS_DIFFERENCE: bool = false;
override WEIGHS_TEACHER: bool = false;

/// Factors of the class loss and of class distillation.
fn factors_of(level: u32) -> vec2f {
  let kd = params.kd_weights[level / 4u][level % 4u] / divisor_of_counts(params.kd_normaliser);
  let is_off = params.kd_needs_positives == 1u && positives_on(level) == 0.0;
  return vec2f(params.weight / divisor_of_counts(params.normaliser), select(kd, 0.0, is_off));
}

fn level_of(group: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[level + 1u].w) {
    level++;
  }
  return level;
}

fn scores_apart(x: vec4f, t: vec4f) -> vec4f {
  return abs(background_of(x).score - background_of(t).score);
}

fn is_bad4(value: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(value) & vec4u(BAD)) == vec4u(BAD);
}

/// max() may drop a NaN, so a weight is made NaN by hand.
fn spoilt4(weight: vec4f, is_spoilt: vec4<bool>) -> vec4f {
  return bitcast<vec4f>(select(bitcast<vec4u>(weight), vec4u(0x7fc00000u), is_spoilt));
}

/// Sums of the class loss and of class distillation, and of the weights by kind.
fn write_partials(invocation: u32, class_loss: StreamSum, distillation: StreamSum, weight_sums: vec2f, factors: vec2f) {
  partials[SUM_CLASS * params.stream_count + invocation] = partial_of(class_loss, factors.x);
  partials[SUM_KD * params.stream_count + invocation] = partial_of(distillation, factors.y);
  partials[SUM_WEIGHTS * params.stream_count + invocation] = bitcast<u32>(weight_sums.x);
  partials[(SUM_WEIGHTS + 1u) * params.stream_count + invocation] = bitcast<u32>(weight_sums.y);
}
