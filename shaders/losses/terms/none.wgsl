#include "../../lib/background.wgsl"

fn class_background(x: vec4f) -> BackgroundLoss {
  return BackgroundLoss();
}

fn class_loss(x: f32, target_score: f32) -> vec2f {
  return vec2f();
}
