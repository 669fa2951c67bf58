// The loss of absent classes, four logits at a time: almost all logits of a head are of this kind.

struct BackgroundLoss {
  loss: vec4f,
  slope: vec4f,
}

struct Background {
  /// s = sigmoid(x)
  score: vec4f,
  /// 1 - s
  complement: vec4f,
  /// max(x, 0) + ln(1 + exp(-|x|))
  softplus: vec4f,
}

/// ln(1 + t) for t in [0, 1]: t times the polynomial of degree 7 of least relative error, below 4e-7 in f32.
fn log1p_unit4(t: vec4f) -> vec4f {
  let high = 0.177452043 + t * (-0.10768117 + t * (0.044089239 + t * -0.00853909645));
  return t * (0.999999821 + t * (-0.499974042 + t * (0.332754761 + t * (-0.244954497 + t * high))));
}

fn background_of(x: vec4f) -> Background {
  let power = exp(-abs(x));
  let greater = 1.0 / (1.0 + power);
  let lesser = power * greater;
  let positive = x >= vec4f();
  // (x + |x|) / 2 rather than max(x, 0), which may drop a NaN: bad logits must show in the loss.
  let softplus = 0.5 * (x + abs(x)) + log1p_unit4(power);
  return Background(select(lesser, greater, positive), select(greater, lesser, positive), softplus);
}
