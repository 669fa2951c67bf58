// tanh |x| = (1 − e) / (1 + e), e = exp(−2 |x|); near 0 its series, whose next term is below 2e-9.

fn unary(x: vec4f) -> vec4f {
  let square = min(x * x, vec4f(1.0));
  let series = x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + square * (-17.0 / 315.0 + square * (62.0 / 2835.0)))));
  let e = exp(-2.0 * abs(x));
  return select(sign(x) * (1.0 - e) / (1.0 + e), series, abs(x) < vec4f(0.25));
}

fn unary_slope(x: vec4f) -> vec4f {
  let e = exp(-2.0 * abs(x));
  return 4.0 * e / ((1.0 + e) * (1.0 + e));
}
