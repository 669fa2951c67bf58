// Strided head outputs: `entry` is (offset, batch, channel, location), in elements; see LogitLayout in src/tensor/layout.ts.
fn strided(entry: vec4u, image: u32, channel: u32, index: u32) -> u32 {
  return entry.x + image * entry.y + channel * entry.z + index * entry.w;
}
