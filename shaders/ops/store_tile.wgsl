// Writes the channels of register tiles to dense maps. The kernel declares `output: array<Stored>` and `weight: array<Stored4>`.

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
