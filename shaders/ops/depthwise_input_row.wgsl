#include "depthwise_row.wgsl"

/// What tap `kx` meets at the four outputs.
fn met(row: Row, kx: u32) -> vec4f {
  if (STRIDE_X == 1u) {
    return pixels_from(row, kx);
  }
  switch (kx) {
    case 0u: {
      return vec4f(row.a.xz, row.b.xz);
    }
    case 1u: {
      return vec4f(row.a.yw, row.b.yw);
    }
    case 2u: {
      return vec4f(row.a.z, row.b.xz, row.c.x);
    }
    case 3u: {
      return vec4f(row.a.w, row.b.yw, row.c.y);
    }
    default: {
      return vec4f(row.b.xz, row.c.xz);
    }
  }
}
