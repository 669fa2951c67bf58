// Softmax over the bins of one edge, held in a function-local array. A kernel declares `var z: Bins;`, loads BINS
// logits, and passes `&z`. BINS is specialised, so that loops of so few turns are unrolled and the array lives in registers.

#include "two_hot.wgsl"

/// bins of an edge, K = reg_max + 1
override BINS: u32 = 17u;
/// the most that `Bins` holds
const MAX_BINS = 64u;
alias Bins = array<f32, MAX_BINS>;

/// power <- exp((z - max z) * inverse_temperature), z <- (z - max z) * inverse_temperature; returns the sum of the powers.
fn powers_of_bins(z: ptr<function, Bins>, power: ptr<function, Bins>, inverse_temperature: f32) -> f32 {
  var greatest = (*z)[0];
  for (var k = 1u; k < BINS; k++) { // unroll
    greatest = max(greatest, (*z)[k]);
  }
  var sum = 0.0;
  for (var k = 0u; k < BINS; k++) { // unroll
    let shifted = ((*z)[k] - greatest) * inverse_temperature;
    (*z)[k] = shifted;
    (*power)[k] = exp(shifted);
    sum += (*power)[k];
  }
  return sum;
}

/// z <- softmax(z * inverse_temperature), without overflow or cancellation for logits of any size; returns the logarithm of the sum
/// of the powers of (z - max z) * inverse_temperature, between 0 and ln K.
fn softmax_bins(z: ptr<function, Bins>, inverse_temperature: f32) -> f32 {
  var greatest = (*z)[0];
  for (var k = 1u; k < BINS; k++) { // unroll
    greatest = max(greatest, (*z)[k]);
  }
  var sum = 0.0;
  for (var k = 0u; k < BINS; k++) { // unroll
    let power = exp(((*z)[k] - greatest) * inverse_temperature);
    (*z)[k] = power;
    sum += power;
  }
  let share = 1.0 / sum;
  for (var k = 0u; k < BINS; k++) { // unroll
    (*z)[k] *= share;
  }
  return log(sum);
}

/// sum_k k * p_k: the expected edge in bin units. Its derivative is d/dz_k = p_k (k - expectation).
fn expectation(p: ptr<function, Bins>) -> f32 {
  var sum = 0.0;
  for (var k = 1u; k < BINS; k++) { // unroll
    sum += f32(k) * (*p)[k];
  }
  return sum;
}
