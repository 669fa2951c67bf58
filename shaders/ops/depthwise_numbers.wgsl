// Rows of maps of any width, a number at a time; depthwise_quads.wgsl is the other way.
@group(0) @binding(1) var<storage, read> source: array<Stored>;

/// Which pixels a Row has: columns clamped to the map, and whether they lie in it.
struct Columns {
  a: vec4u,
  b: vec4u,
  c: vec4u,
  in_a: vec4<bool>,
  in_b: vec4<bool>,
  in_c: vec4<bool>,
}

/// PIXELS columns of a map, from `first` on.
fn columns_from(first: i32, width: u32) -> Columns {
  let a = first + vec4i(0, 1, 2, 3);
  let last = vec4i(i32(width) - 1);
  return Columns(
    vec4u(clamp(a, vec4i(), last)),
    vec4u(clamp(a + 4, vec4i(), last)),
    vec4u(clamp(a + 8, vec4i(), last)),
    (a >= vec4i()) & (a <= last),
    (a + 4 >= vec4i()) & (a + 4 <= last),
    (a + 8 >= vec4i()) & (a + 8 <= last),
  );
}

/// Row `row` of a map, zero outside it.
fn read_row(plane: Plane, row: i32, columns: Columns) -> Row {
  let start = plane.first + u32(clamp(row, 0, i32(plane.height) - 1)) * plane.width;
  let a = start + columns.a;
  let b = start + columns.b;
  let c = start + columns.c;
  var found = Row(vec4f(Stored4(source[a.x], source[a.y], source[a.z], source[a.w])), vec4f(), vec4f());
  if (PIXELS > 4u) {
    found.b.x = f32(source[b.x]);
  }
  if (PIXELS > 5u) {
    found.b.y = f32(source[b.y]);
  }
  if (PIXELS > 6u) {
    found.b.z = f32(source[b.z]);
  }
  if (PIXELS > 7u) {
    found.b.w = f32(source[b.w]);
  }
  if (PIXELS > 8u) {
    found.c.x = f32(source[c.x]);
  }
  if (PIXELS > 9u) {
    found.c.y = f32(source[c.y]);
  }
  if (PIXELS > 10u) {
    found.c.z = f32(source[c.z]);
  }
  let in_rows = vec4<bool>(row >= 0 && row < i32(plane.height));
  return Row(
    select(vec4f(), found.a, columns.in_a & in_rows),
    select(vec4f(), found.b, columns.in_b & in_rows),
    select(vec4f(), found.c, columns.in_c & in_rows),
  );
}
