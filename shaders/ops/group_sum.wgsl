const GROUP_SIZE = 64u;
var<workgroup> group_sums: array<vec2f, GROUP_SIZE>;

/// Sum over the workgroup, as a tree: a fixed order. Every invocation gets it.
fn group_sum(value: vec2f, local: u32) -> vec2f {
  workgroupBarrier();
  group_sums[local] = value;
  for (var half = GROUP_SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      group_sums[local] += group_sums[local + half];
    }
  }
  workgroupBarrier();
  return group_sums[0];
}
