// NaN and infinity have all exponent bits set. Tested on the bits: WGSL lets a compiler assume that floats are finite.
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}
