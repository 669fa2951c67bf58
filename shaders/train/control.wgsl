/// What clip.wgsl decides for the updates of a step.
struct Control {
  /// what every sum of gradients is multiplied by
  scale: f32,
  /// 1: apply this update, 0: skip it
  apply: u32,
  /// updates skipped since the host last set it to zero
  skipped: u32,
  /// norm of the gradients before clipping
  norm: f32,
}
/// Scalars that change with the step; in a buffer, since uniforms are cached by content.
struct Scalars {
  learning_rate: f32,
  /// AdamW: 1 − β₁ᵗ and √(1 − β₂ᵗ)
  first_correction: f32,
  second_correction: f32,
  /// what the moving average keeps of itself
  average_decay: f32,
}
