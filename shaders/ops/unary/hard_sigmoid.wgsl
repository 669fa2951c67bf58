fn unary(x: vec4f) -> vec4f {
  return clamp(params.alpha * x + params.beta, vec4f(), vec4f(1.0));
}

fn unary_slope(x: vec4f) -> vec4f {
  let y = params.alpha * x + params.beta;
  return select(vec4f(), vec4f(params.alpha), (y > vec4f()) & (y < vec4f(1.0)));
}
