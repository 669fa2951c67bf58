// kd_focal_binary.wgsl for the pass over all class logits.

#include "../../lib/focal_binary.wgsl"

/// Whether T is other than 1: at 1 scores are those of the class loss, and computed once.
override KD_SOFTENED: bool = false;

fn class_lesson(x: vec4f, t: vec4f) -> BackgroundLoss {
  if (!KD_SOFTENED) {
    return focal_binary(x, t, params.kd_beta);
  }
  let lesson = focal_binary(x / params.temperature, t / params.temperature, params.kd_beta);
  return BackgroundLoss(params.temperature * params.temperature * lesson.loss, params.temperature * lesson.slope);
}
