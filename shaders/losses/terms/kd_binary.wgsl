// Sum over the classes of the KL between both nets' sigmoids of logits over T: (T²/C) Σ KL, its gradient (T/C) (q − p).

struct Statistics {
  none: f32,
}

fn statistics_of(at: Place) -> Statistics {
  return Statistics();
}

fn class_divergence(logits: vec2f, at: Statistics) -> vec2f {
  return binary_divergence(logits.x, logits.y, params.temperature);
}

fn class_scale() -> f32 {
  return params.temperature / f32(params.classes);
}
