struct Params {
  count: u32,
  inputs: u32,
  outputs: u32,
  groups: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  top: u32,
  left: u32,
  dilation_y: u32,
  dilation_x: u32,
  batch: u32,
  has_bias: u32,
  /// of a map, where maps are cut into strips
  strips: u32,
  rows_a_strip: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
