// Fields of the struct Params of kernels of box losses, which include this within it; boxParams of src/losses/headPasses.ts.
  batch: u32,
  level_count: u32,
  /// entries of `rows` of an image
  image_slots: u32,
  /// what head_class.wgsl went over: its workgroups hold the scores
  scored: u32,
  temperature: f32,
  /// DFL targets end this many bins before the last
  margin: f32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// 0 weights, 1 positives, 2 none; for the boxes and DFL
  box_normaliser: u32,
  /// 0 reference, 1 weights, 2 none
  ld_normaliser: u32,
  box_weight: f32,
  /// of teacher-bounded regression, in units of box_weight
  bounded_weight: f32,
  dfl_weight: f32,
  ld_weight: f32,
  ld_vlr_weight: f32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
