// Writes register tiles to dense maps. The kernel declares `output: array<Stored>`, `weight: array<Stored4>` and `params.outputs`. Channels are
// written in a loop: unrolled, their stores are most of the kernel to compile.

#include "activated.wgsl"

/// The biases of a tile's channels, packed as a tap.
fn biases(tap: u32) -> Eight {
  return Eight(vec4f(weight[2u * tap]), vec4f(weight[2u * tap + 1u]));
}

fn store_pixels(sums: vec4f, start: u32, count: u32) {
  let pixels = activated(sums);
  if (count > 0u) { output[start] = Stored(pixels.x); }
  if (count > 1u) { output[start + 1u] = Stored(pixels.y); }
  if (count > 2u) { output[start + 2u] = Stored(pixels.z); }
  if (count > 3u) { output[start + 3u] = Stored(pixels.w); }
}

/// Writes the channels of two tiles from `first` on, the second `step` elements later. `area`: from channel to channel; `start`: the first pixel.
fn store_tiles(tiles: Tiles, first: u32, area: u32, start: u32, step: u32, counts: vec2u) {
  var at = start;
  for (var channel = first; channel < min(first + 8u, params.outputs); channel++) {
    store_pixels(channel_of(tiles.a, channel), at, counts.x);
    store_pixels(channel_of(tiles.b, channel), at + step, counts.y);
    at += area;
  }
}
