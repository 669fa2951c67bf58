// Quality focal loss (Li et al., NeurIPS 2020, eq. 5). `params` has beta.

#include "../../lib/qfl.wgsl"
#include "../../lib/qfl_background.wgsl"

fn class_background(x: vec4f) -> BackgroundLoss {
  return qfl_background(x, params.beta);
}

fn class_loss(x: f32, target_score: f32) -> vec2f {
  return qfl(x, target_score, params.beta);
}
