struct Params {
  count: u32,
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
}
@group(0) @binding(0) var<uniform> params: Params;

/// The cells of the map that a window sees along an axis: first, last + 1.
fn window_of(at: u32, stride: u32, before: u32, kernel: u32, cells: u32) -> vec2u {
  let first = at * stride;
  return vec2u(max(first, before) - before, min(max(first + kernel, before) - before, cells));
}

/// The windows that see a cell along an axis: first, last + 1.
fn seers_of(cell: u32, stride: u32, before: u32, kernel: u32, windows: u32) -> vec2u {
  let place = cell + before;
  let first = (max(place + stride, kernel) - kernel) / stride;
  return vec2u(first, min(place / stride + 1u, windows));
}
