fn binary(left: f32, right: f32) -> f32 {
  return left / right;
}

fn binary_slopes(left: f32, right: f32) -> vec2f {
  return vec2f(1.0 / right, -left / (right * right));
}
