#include "head_coded.wgsl"

// The loss of a location where one bad feature spoils its whole map: NaN at the bad one, elsewhere too large for a sum, so that the
// first bad location can be named.
fn loss_of(loss: f32, is_bad_here: bool) -> f32 {
  if (is_bad_here) {
    return bitcast<f32>(bitcast<u32>(loss) | 0x7fc00000u);
  }
  return select(loss, 3.0e38, is_bad(loss));
}
