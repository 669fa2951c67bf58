// Reads the packed weights (pack_weight.wgsl), the same for a whole workgroup: each of LANES neighbouring lanes reads another vec4 and the
// subgroup passes it round: on software adapters a broadcast is far cheaper than a read. The kernel declares `weight: array<Stored4>`.

/// 4, or 8 where the subgroups have as many.
override LANES: u32 = 4;

/// The weights of four neighbouring taps: one vec4 in each of eight lanes, or two in each of four.
struct Taps {
  low: vec4f,
  high: vec4f,
}

/// Taps `tap` to `tap + 3`, counted from the buffer's start.
fn read_taps(tap: u32, lane: u32) -> Taps {
  let low = vec4f(weight[2u * tap + lane % LANES]);
  if (LANES == 8u) {
    return Taps(low, vec4f());
  }
  return Taps(low, vec4f(weight[2u * tap + 4u + lane % LANES]));
}

/// The first of them only, in one read.
fn read_tap(tap: u32, lane: u32) -> Taps {
  return Taps(vec4f(weight[2u * tap + lane % 2u]), vec4f());
}

fn first(taps: Taps) -> Eight {
  return Eight(subgroupBroadcast(taps.low, 0u), subgroupBroadcast(taps.low, 1u));
}

fn second(taps: Taps) -> Eight {
  return Eight(subgroupBroadcast(taps.low, 2u), subgroupBroadcast(taps.low, 3u));
}

fn third(taps: Taps) -> Eight {
  if (LANES == 8u) {
    return Eight(subgroupBroadcast(taps.low, 4u), subgroupBroadcast(taps.low, 5u));
  }
  return Eight(subgroupBroadcast(taps.high, 0u), subgroupBroadcast(taps.high, 1u));
}

fn fourth(taps: Taps) -> Eight {
  if (LANES == 8u) {
    return Eight(subgroupBroadcast(taps.low, 6u), subgroupBroadcast(taps.low, 7u));
  }
  return Eight(subgroupBroadcast(taps.high, 2u), subgroupBroadcast(taps.high, 3u));
}
