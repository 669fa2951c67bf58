// The weight of a row of a loss: scale * weights[row] / average_factor. The kernel binds `weights` (one a row, or a single
// one with weight_stride 0) and `average_factor` (one element), and has the fields scale: f32, weight_stride: u32.

/// An average factor of 0 belongs to an empty set: its loss is 0, not 0/0.
fn row_weight(row: u32) -> f32 {
  let divisor = average_factor[0];
  return select(0.0, params.scale * weights[row * params.weight_stride] / divisor, divisor > 0.0);
}
