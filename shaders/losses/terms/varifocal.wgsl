// Varifocal loss (Zhang et al., CVPR 2021, eq. 2): alpha p^gamma BCE where the target is 0; at a positive BCE, times its target where
// IOU_WEIGHTED. The weights p^gamma have a gradient, as in the original code's autograd. `params` has alpha and beta, the gamma.

#include "../../lib/logistic.wgsl"
#include "../../lib/qfl_background.wgsl"

override IOU_WEIGHTED: bool = true;

fn class_background(x: vec4f) -> BackgroundLoss {
  let focal = qfl_background(x, params.beta);
  return BackgroundLoss(params.alpha * focal.loss, params.alpha * focal.slope);
}

fn class_loss(x: f32, target_score: f32) -> vec2f {
  if (target_score <= 0.0) {
    let focal = class_background(vec4f(x));
    return vec2f(focal.loss.x, focal.slope.x);
  }
  let at = logistic(x);
  let weight = select(1.0, target_score, IOU_WEIGHTED);
  return weight * vec2f(0.5 * (x + abs(x)) - x * target_score + at.tail, at.score - target_score);
}
