// Softmax of a row of any length, read from the kernel's binding `logits`: rows of BINS elements.
#include "bins.wgsl"

/// (max z, ln sum exp(z - max z)) of the row at `start`: ln p_k = (z_k - x) - y, without overflow for logits of any size.
fn row_log_sum(start: u32) -> vec2f {
  var greatest = logits[start];
  for (var k = 1u; k < BINS; k++) {
    greatest = max(greatest, logits[start + k]);
  }
  var sum = 0.0;
  for (var k = 0u; k < BINS; k++) {
    sum += exp(logits[start + k] - greatest);
  }
  return vec2f(greatest, log(sum));
}
