struct Params {
  /// number of vec4
  count: u32,
  /// as the form takes them
  alpha: f32,
  beta: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
