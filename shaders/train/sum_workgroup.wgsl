var<workgroup> shares: array<vec2f, 256>;

/// The sum over the 256 invocations of a workgroup, in a fixed order; valid in invocation 0.
fn sum_workgroup(value: vec2f, local: u32) -> vec2f {
  shares[local] = value;
  workgroupBarrier();
  for (var half = 128u; half > 0u; half /= 2u) {
    if (local < half) {
      shares[local] += shares[local + half];
    }
    workgroupBarrier();
  }
  return shares[0];
}
