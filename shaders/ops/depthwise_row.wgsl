// Shared by the depthwise convolutions by columns: an invocation goes down the rows of four neighbouring outputs and reads each row of the
// map once. Windows of up to 5×5 pixels, strides of 1 or 2. How a row is read: depthwise_numbers.wgsl or depthwise_quads.wgsl.
#include "convolution_window.wgsl"
#include "../lib/index.wgsl"

override KERNEL_HEIGHT: u32 = 3;
override KERNEL_WIDTH: u32 = 3;
override STRIDE_Y: u32 = 1;
override STRIDE_X: u32 = 1;
/// Outputs of a column whose windows share a row.
override SHARING: u32 = (KERNEL_HEIGHT + STRIDE_Y - 1u) / STRIDE_Y;
/// Pixels of a row that four neighbouring outputs see.
override PIXELS: u32 = 6;

struct Row {
  a: vec4f,
  b: vec4f,
  c: vec4f,
}

/// A map's first element, its rows, and its pixels a row.
struct Plane {
  first: u32,
  height: u32,
  width: u32,
}

/// Four neighbouring pixels of a row, from its `n`-th on, 0 to 4.
fn pixels_from(row: Row, n: u32) -> vec4f {
  switch (n) {
    case 0u: {
      return row.a;
    }
    case 1u: {
      return vec4f(row.a.yzw, row.b.x);
    }
    case 2u: {
      return vec4f(row.a.zw, row.b.xy);
    }
    case 3u: {
      return vec4f(row.a.w, row.b.xyz);
    }
    default: {
      return row.b;
    }
  }
}
