// Fields of `Params` of the passes that compare box logits of two nets; for the inside of the struct.
  batch: u32,
  level_count: u32,
  bins: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
#include "../lib/teacher_edge_fields.wgsl"
