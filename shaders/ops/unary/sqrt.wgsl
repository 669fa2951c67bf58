// √x; of negative numbers 0. The derivative where x ≤ 0 is taken as 0.

fn unary(x: vec4f) -> vec4f {
  return sqrt(max(x, vec4f()));
}

fn unary_slope(x: vec4f) -> vec4f {
  return select(vec4f(), 0.5 / sqrt(max(x, vec4f(1e-38))), x > vec4f());
}
