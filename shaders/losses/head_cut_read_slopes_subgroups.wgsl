// Reading slopes, the same for all invocations of a workgroup: each of four neighbouring lanes reads another channel and the
// subgroup passes it round. Subgroups have at least four lanes.

/// Four channels of four rows.
fn read_slopes(at: u32, lane: u32) -> Slopes {
  let own = slopes[at + COLUMNS * (lane % 4u)];
  return Slopes(
    subgroupBroadcast(own, 0u),
    subgroupBroadcast(own, 1u),
    subgroupBroadcast(own, 2u),
    subgroupBroadcast(own, 3u),
  );
}
