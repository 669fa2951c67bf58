// Reads the packed weights (pack_weight.wgsl), the same for a whole workgroup: each of four neighbouring lanes reads another vec4 and the
// subgroup (at least four lanes) passes it round: on software adapters a broadcast is far cheaper than a read. The kernel declares
// `weight: array<Stored4>`.

/// The weights of two neighbouring taps: one vec4 in each of the lanes 0 to 3.
struct Taps {
  own: vec4f,
}

/// Taps `tap` and `tap + 1`, counted from the buffer's start.
fn read_taps(tap: u32, lane: u32) -> Taps {
  return Taps(vec4f(weight[2u * tap + lane % 4u]));
}

fn first(taps: Taps) -> Eight {
  return Eight(subgroupBroadcast(taps.own, 0u), subgroupBroadcast(taps.own, 1u));
}

fn second(taps: Taps) -> Eight {
  return Eight(subgroupBroadcast(taps.own, 2u), subgroupBroadcast(taps.own, 3u));
}
