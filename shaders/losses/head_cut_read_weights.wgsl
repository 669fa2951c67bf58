// Reading packed weights, the same for all invocations of a workgroup: each reads them. See head_cut_read_weights_subgroups.wgsl for
// the other way.
fn read_weights(at: u32, lane: u32) -> Twelve {
  return Twelve(constants[at], constants[at + 1u], constants[at + 2u]);
}
