// Shared by the depthwise convolutions by columns: an invocation goes down the rows of four neighbouring outputs and reads each row of the
// input once. Windows of up to 5×5 pixels, strides of 1 or 2.
#include "convolution_window.wgsl"
#include "../lib/index.wgsl"

override KERNEL_HEIGHT: u32 = 3;
override KERNEL_WIDTH: u32 = 3;
override STRIDE_Y: u32 = 1;
override STRIDE_X: u32 = 1;
/// Outputs of a column whose windows share a row.
override SHARING: u32 = (KERNEL_HEIGHT + STRIDE_Y - 1u) / STRIDE_Y;

struct Row {
  a: vec4f,
  b: vec4f,
  c: vec4f,
}

/// Which pixels a Row has: columns clamped to the map, and whether they lie in it.
struct Columns {
  a: vec4i,
  b: vec4i,
  c: vec4i,
  in_a: vec4<bool>,
  in_b: vec4<bool>,
  in_c: vec4<bool>,
}

fn columns_from(first: i32, width: u32) -> Columns {
  let a = first + vec4i(0, 1, 2, 3);
  let last = vec4i(i32(width) - 1);
  return Columns(
    clamp(a, vec4i(), last),
    clamp(a + 4, vec4i(), last),
    clamp(a + 8, vec4i(), last),
    (a >= vec4i()) & (a <= last),
    (a + 4 >= vec4i()) & (a + 4 <= last),
    (a + 8 >= vec4i()) & (a + 8 <= last),
  );
}
