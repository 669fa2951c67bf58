#include "depthwise_row.wgsl"

/// [images · channels, height, width]
@group(0) @binding(1) var<storage, read> input: array<f32>;

/// Pixels of a row that four neighbouring outputs see.
override PIXELS: u32 = 3u * STRIDE_X + KERNEL_WIDTH;

/// Row `row` of a map, zero outside it.
fn read_row(plane: i32, row: i32, columns: Columns) -> Row {
  let start = plane + clamp(row, 0, i32(params.height) - 1) * i32(params.width);
  let a = start + columns.a;
  let b = start + columns.b;
  let c = start + columns.c;
  var found = Row(vec4f(input[a.x], input[a.y], input[a.z], input[a.w]), vec4f(), vec4f());
  if (PIXELS > 4u) {
    found.b.x = input[b.x];
  }
  if (PIXELS > 5u) {
    found.b.y = input[b.y];
  }
  if (PIXELS > 6u) {
    found.b.z = input[b.z];
  }
  if (PIXELS > 7u) {
    found.b.w = input[b.w];
  }
  if (PIXELS > 8u) {
    found.c.x = input[c.x];
  }
  if (PIXELS > 9u) {
    found.c.y = input[c.y];
  }
  if (PIXELS > 10u) {
    found.c.z = input[c.z];
  }
  let in_rows = vec4<bool>(row >= 0 && row < i32(params.height));
  return Row(
    select(vec4f(), found.a, columns.in_a & in_rows),
    select(vec4f(), found.b, columns.in_b & in_rows),
    select(vec4f(), found.c, columns.in_c & in_rows),
  );
}

/// What tap `kx` meets at the four outputs.
fn met(row: Row, kx: u32) -> vec4f {
  if (STRIDE_X == 1u) {
    switch (kx) {
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
