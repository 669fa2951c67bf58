// Quality focal loss where the quality is 0 (Generalized Focal Loss, eq. 5), four logits at a time: almost all logits of a head
// are of this kind. With s = sigmoid(x) and softplus(x) = max(x, 0) + ln(1 + exp(-|x|)):
//   loss = s^beta softplus(x),   dloss/dx = s^beta (s + beta (1 - s) softplus(x))

/// beta is 2, as in every published recipe: no power is taken
override BETA_IS_TWO: bool = true;

struct BackgroundLoss {
  loss: vec4f,
  slope: vec4f,
}

/// ln(1 + t) for t in [0, 1]: t times the polynomial of degree 7 of least relative error, below 4e-7 in f32.
fn log1p_unit4(t: vec4f) -> vec4f {
  let high = 0.177452043 + t * (-0.10768117 + t * (0.044089239 + t * -0.00853909645));
  return t * (0.999999821 + t * (-0.499974042 + t * (0.332754761 + t * (-0.244954497 + t * high))));
}

fn qfl_background(x: vec4f, beta: f32) -> BackgroundLoss {
  let power = exp(-abs(x));
  let greater = 1.0 / (1.0 + power);
  let lesser = power * greater;
  let positive = x >= vec4f();
  let score = select(lesser, greater, positive);
  let complement = select(greater, lesser, positive);
  // (x + |x|) / 2 rather than max(x, 0), which may drop a NaN: bad logits must show in the loss.
  let softplus = 0.5 * (x + abs(x)) + log1p_unit4(power);
  if (BETA_IS_TWO) {
    let square = score * score;
    return BackgroundLoss(square * softplus, square * (score + 2.0 * complement * softplus));
  }
  // pow(0, 0) is undefined in WGSL.
  let modulation = pow(max(score, vec4f(1e-12)), vec4f(beta));
  return BackgroundLoss(modulation * softplus, modulation * (score + beta * complement * softplus));
}
