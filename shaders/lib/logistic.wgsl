// The logistic function and its logarithms without overflow or cancellation, for logits of any size.

/// ln(1 + t) for t in [-1/2, 1]: 2 artanh(t / (2 + t)) as its series; the next term is below 1e-8. No cancellation near 0.
fn log1p_unit(t: f32) -> f32 {
  let s = t / (2.0 + t);
  let square = s * s;
  let tail = 1.0 / 5.0 + square * (1.0 / 7.0 + square * (1.0 / 9.0 + square * (1.0 / 11.0 + square * (1.0 / 13.0))));
  return 2.0 * s * (1.0 + square * (1.0 / 3.0 + square * tail));
}

struct Logistic {
  /// s = 1 / (1 + exp(-x))
  score: f32,
  /// 1 - s
  complement: f32,
  /// ln(1 + exp(-|x|)); ln s = min(x, 0) - tail, ln(1 - s) = min(-x, 0) - tail
  tail: f32,
}

fn logistic(x: f32) -> Logistic {
  let power = exp(-abs(x));
  let greater = 1.0 / (1.0 + power);
  let lesser = power * greater;
  let positive = x >= 0.0;
  return Logistic(select(lesser, greater, positive), select(greater, lesser, positive), log1p_unit(power));
}
