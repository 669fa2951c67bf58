// Needs bins.wgsl and bin_values.wgsl.

/// sum_k v_k p_k: the expected edge, in strides. Its derivative is d/dz_k = p_k (v_k - expected).
fn expected_value(p: ptr<function, Bins>) -> f32 {
  if (!TABLE) {
    return expectation(p);
  }
  var sum = 0.0;
  for (var k = 0u; k < BINS; k++) {
    sum += value_of(k) * (*p)[k];
  }
  return sum;
}
