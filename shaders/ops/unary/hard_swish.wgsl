fn unary(x: vec4f) -> vec4f {
  return x * clamp(x / 6.0 + 0.5, vec4f(), vec4f(1.0));
}

fn unary_slope(x: vec4f) -> vec4f {
  return select(select(x / 3.0 + 0.5, vec4f(1.0), x >= vec4f(3.0)), vec4f(), x <= vec4f(-3.0));
}
