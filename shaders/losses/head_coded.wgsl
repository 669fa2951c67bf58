// Losses in 32 bits that tell where they are not finite.

/// Above it, as bits, a coded loss is BAD + 1 + its location (losses are not negative).
const BAD = 0x7f800000u;

/// By the bits: compilers may assume that there is no NaN.
fn is_bad(value: f32) -> bool {
  return (bitcast<u32>(value) & BAD) == BAD;
}

/// Rounding may leave a loss a little below 0.
fn coded(loss: f32, location: u32) -> u32 {
  return select(bitcast<u32>(max(loss, 0.0)), BAD + 1u + location, is_bad(loss));
}

/// Of a sum of coded losses. @param fault ~location of the first bad one, 0 where all are finite
fn coded_sum(loss: f32, fault: u32) -> u32 {
  return select(bitcast<u32>(loss), BAD + 1u + ~fault, fault != 0u);
}
