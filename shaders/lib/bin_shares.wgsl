/// The share of bin k in a value between the lowest and the highest: linear between the two bins about it. Needs value_of(k).
fn value_share(k: u32, value: f32, bins: u32) -> f32 {
  let own = value_of(k);
  if (value < own) {
    let below = value_of(max(k, 1u) - 1u);
    return max(0.0, (value - below) / (own - below));
  }
  if (value == own) {
    return 1.0;
  }
  let above = value_of(min(k + 1u, bins - 1u));
  return max(0.0, (above - value) / (above - own));
}
