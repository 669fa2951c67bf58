  /// see teacher_edges.wgsl
  teacher_bins: u32,
  teacher_offset: f32,
  teacher_cells: array<vec4f, 8>,
  teacher_box_layout: array<vec4u, 8>,
  teacher_projection: array<vec4f, 16>,
  /// see bin_values.wgsl
  projection: array<vec4f, 16>,
