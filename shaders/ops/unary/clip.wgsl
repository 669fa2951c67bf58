// x, held in [alpha, beta]; the gradient passes at the bounds themselves.

fn unary(x: vec4f) -> vec4f {
  return clamp(x, vec4f(params.alpha), vec4f(params.beta));
}

fn unary_slope(x: vec4f) -> vec4f {
  return select(vec4f(), vec4f(1.0), (x >= vec4f(params.alpha)) & (x <= vec4f(params.beta)));
}
