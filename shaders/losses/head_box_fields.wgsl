// Fields of `Params` of passes that compare box logits of two nets.
  batch: u32,
  level_count: u32,
  bins: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
#include "../lib/teacher_edge_fields.wgsl"
