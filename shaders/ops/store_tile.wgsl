// Writing a register tile to dense maps. The kernel declares `output: array<f32>` and `weight: array<vec4f>`.

/// The biases of a tile's channels, packed as a tap.
fn biases(tap: u32) -> Eight {
  return Eight(weight[2u * tap], weight[2u * tap + 1u]);
}

/// Writes the first `count` of four consecutive pixels.
fn store_pixels(pixels: vec4f, start: u32, count: u32) {
  output[start] = pixels.x;
  if (count > 1u) { output[start + 1u] = pixels.y; }
  if (count > 2u) { output[start + 2u] = pixels.z; }
  if (count > 3u) { output[start + 3u] = pixels.w; }
}

/// Writes the first `channels` of a tile's channels and `count` of its pixels.
/// `area`: elements from one channel to the next; `start`: the first channel's first pixel.
fn store_tile(tile: Tile, channels: u32, area: u32, start: u32, count: u32) {
  store_pixels(tile.c0, start, count);
  if (channels > 1u) { store_pixels(tile.c1, start + area, count); }
  if (channels > 2u) { store_pixels(tile.c2, start + 2u * area, count); }
  if (channels > 3u) { store_pixels(tile.c3, start + 3u * area, count); }
  if (channels > 4u) { store_pixels(tile.c4, start + 4u * area, count); }
  if (channels > 5u) { store_pixels(tile.c5, start + 5u * area, count); }
  if (channels > 6u) { store_pixels(tile.c6, start + 6u * area, count); }
  if (channels > 7u) { store_pixels(tile.c7, start + 7u * area, count); }
}
