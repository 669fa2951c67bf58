// Fields of the struct Params of kernels of positives' box losses, which include this within it; positiveParams of
// src/losses/headPasses.ts.
  batch: u32,
  level_count: u32,
  /// entries of `samples` of an image
  image_slots: u32,
  bins: u32,
  temperature: f32,
  /// DFL targets end this many bins before the last
  margin: f32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// of teacher-bounded regression, in units of the box loss
  bounded_weight: f32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
