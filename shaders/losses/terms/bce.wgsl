// Binary cross-entropy with soft targets (YOLOv8): loss = max(x, 0) - x y + ln(1 + exp(-|x|)), dloss/dx = sigmoid(x) - y.

#include "../../lib/logistic.wgsl"
#include "../../lib/background.wgsl"

fn class_background(x: vec4f) -> BackgroundLoss {
  let at = background_of(x);
  return BackgroundLoss(at.softplus, at.score);
}

fn class_loss(x: f32, target_score: f32) -> vec2f {
  let at = logistic(x);
  // (x + |x|) / 2, since max(x, 0) may drop a NaN: bad logits must show in the loss.
  return vec2f(0.5 * (x + abs(x)) - x * target_score + at.tail, at.score - target_score);
}
