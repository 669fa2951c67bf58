// Writes four neighbouring pixels of maps whose width is a multiple of four.
@group(0) @binding(4) var<storage, read_write> result: array<Stored4>;

/// `at`: the first pixel's element, `x` its column; nothing is written beyond the row.
fn store_four(at: u32, x: u32, width: u32, values: vec4f) {
  if (x < width) {
    result[at / 4u] = Stored4(values);
  }
}
