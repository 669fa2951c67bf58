// Writes four neighbouring pixels of maps of any width.
@group(0) @binding(4) var<storage, read_write> result: array<Stored>;

/// `at`: the first pixel's element, `x` its column; nothing is written beyond the row.
fn store_four(at: u32, x: u32, width: u32, values: vec4f) {
  if (x < width) {
    result[at] = Stored(values.x);
  }
  if (x + 1u < width) {
    result[at + 1u] = Stored(values.y);
  }
  if (x + 2u < width) {
    result[at + 2u] = Stored(values.z);
  }
  if (x + 3u < width) {
    result[at + 3u] = Stored(values.w);
  }
}
