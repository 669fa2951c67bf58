// Losses in 32 bits that can tell where they are not a number.

/// A coded loss above it, as bits, is no loss (losses are not negative) but BAD + 1 + the location.
const BAD = 0x7f800000u;

/// By the bits, since compilers may assume that there is no NaN.
fn is_bad(value: f32) -> bool {
  return (bitcast<u32>(value) & BAD) == BAD;
}

/// Rounding may leave a loss a little below 0.
fn coded(loss: f32, location: u32) -> u32 {
  return select(bitcast<u32>(max(loss, 0.0)), BAD + 1u + location, is_bad(loss));
}
