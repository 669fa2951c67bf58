// What the bins of an edge stand for: a table of increasing values, the binding `projection` of BINS elements; without TABLE bin k
// stands for k, and the binding is not read. Needs bins.wgsl.
override TABLE: bool = false;

fn value_of(k: u32) -> f32 {
  if (TABLE) {
    return projection[k];
  }
  return f32(k);
}

/// The share of bin k in a value between the lowest and the highest: linear between the two bins about it.
fn share_of(k: u32, value: f32) -> f32 {
  let own = value_of(k);
  if (value < own) {
    let below = value_of(max(k, 1u) - 1u);
    return max(0.0, (value - below) / (own - below));
  }
  if (value == own) {
    return 1.0;
  }
  let above = value_of(min(k + 1u, BINS - 1u));
  return max(0.0, (above - value) / (above - own));
}
