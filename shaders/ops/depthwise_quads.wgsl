// Rows of maps whose width is a multiple of four, four pixels at a time; depthwise_numbers.wgsl is the other way.
@group(0) @binding(1) var<storage, read> source: array<Stored4>;

/// Which pixel of its quad the first column is.
override SHIFT: u32 = 0;

/// Which quads a Row has: clamped to the map, and whether they lie in it.
struct Columns {
  quads: vec4u,
  inside: vec4<bool>,
}

/// PIXELS columns of a map, from `first` on.
fn columns_from(first: i32, width: u32) -> Columns {
  let quads = (first - i32(SHIFT)) / 4 + vec4i(0, 1, 2, 3);
  let last = vec4i(i32(width / 4u) - 1);
  return Columns(vec4u(clamp(quads, vec4i(), last)), (quads >= vec4i()) & (quads <= last));
}

/// Four pixels of two quads, from pixel SHIFT of the first on.
fn shifted_quad(first: vec4f, second: vec4f) -> vec4f {
  switch (SHIFT) {
    case 0u: {
      return first;
    }
    case 1u: {
      return vec4f(first.yzw, second.x);
    }
    case 2u: {
      return vec4f(first.zw, second.xy);
    }
    default: {
      return vec4f(first.w, second.xyz);
    }
  }
}

/// Row `row` of a map, zero outside it.
fn read_row(plane: Plane, row: i32, columns: Columns) -> Row {
  let start = (plane.first + u32(clamp(row, 0, i32(plane.height) - 1)) * plane.width) / 4u;
  let inside = columns.inside & vec4<bool>(row >= 0 && row < i32(plane.height));
  let q0 = select(vec4f(), vec4f(source[start + columns.quads.x]), inside.x);
  var q1 = vec4f();
  var q2 = vec4f();
  var q3 = vec4f();
  if (SHIFT + PIXELS > 4u) {
    q1 = select(vec4f(), vec4f(source[start + columns.quads.y]), inside.y);
  }
  if (SHIFT + PIXELS > 8u) {
    q2 = select(vec4f(), vec4f(source[start + columns.quads.z]), inside.z);
  }
  if (SHIFT + PIXELS > 12u) {
    q3 = select(vec4f(), vec4f(source[start + columns.quads.w]), inside.w);
  }
  return Row(shifted_quad(q0, q1), shifted_quad(q1, q2), shifted_quad(q2, q3));
}
