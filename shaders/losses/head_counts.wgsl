// Needs sample.wgsl, `params.batch` and the binding `counts`.

/// How many entries of the lists count: COUNT_POSITIVES or COUNT_SAMPLES.
fn listed(which: u32) -> u32 {
  var sum = 0u;
  for (var image = 0u; image < params.batch; image++) {
    sum += u32(counts[image * COUNTS + which]);
  }
  return sum;
}
