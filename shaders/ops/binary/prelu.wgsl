// left where it is above 0, else left · right (PReLU, He et al., 2015).

fn binary(left: f32, right: f32) -> f32 {
  return select(left * right, left, left > 0.0);
}

fn binary_slopes(left: f32, right: f32) -> vec2f {
  return select(vec2f(right, left), vec2f(1.0, 0.0), left > 0.0);
}
