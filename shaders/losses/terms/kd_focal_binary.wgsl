// lib/focal_binary.wgsl of logits over T: T² Σ loss, its gradient T Σ slope: a sum over the classes, no mean.

#include "../../lib/focal_binary.wgsl"

struct Statistics {
  none: f32,
}

fn statistics_of(at: Place) -> Statistics {
  return Statistics();
}

fn class_divergence(logits: vec2f, at: Statistics) -> vec2f {
  let term = focal_binary(vec4f(logits.x / params.temperature), vec4f(logits.y / params.temperature), params.beta);
  return vec2f(term.loss.x, term.slope.x);
}

fn class_scale() -> f32 {
  return params.temperature;
}
