// Reading packed weights, the same for all invocations of a workgroup: each of four neighbouring lanes reads another vec4 and the
// subgroup passes it round; see ../ops/weights_subgroups.wgsl. Subgroups have at least four lanes.
fn read_weights(at: u32, lane: u32) -> Twelve {
  let own = constants[at + min(lane % 4u, 2u)];
  return Twelve(subgroupBroadcast(own, 0u), subgroupBroadcast(own, 1u), subgroupBroadcast(own, 2u));
}
