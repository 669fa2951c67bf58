/// The share of bin k in a distance y between two bins: (floor(y) + 1 - y) at floor(y), (y - floor(y)) at the next, else 0.
fn two_hot(k: u32, y: f32) -> f32 {
  return max(0.0, 1.0 - abs(f32(k) - y));
}
