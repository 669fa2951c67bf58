fn unary(x: vec4f) -> vec4f {
  return select(params.alpha * x, x, x > vec4f());
}

fn unary_slope(x: vec4f) -> vec4f {
  return select(vec4f(params.alpha), vec4f(1.0), x > vec4f());
}
