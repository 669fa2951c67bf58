// Reads the incoming gradients of eight output channels at four pixels, the same for a whole workgroup: each of LANES neighbouring lanes reads
// one or two channels and the subgroup passes them round. The kernel declares `incoming: array<Stored4>`.

/// 4, or 8 where the subgroups have as many.
override LANES: u32 = 4;

struct Incoming {
  /// channels 0 to LANES - 1 in as many lanes
  low: vec4f,
  /// the others
  high: vec4f,
}

/// `at`: the first channel's vec4; `plane`: from channel to channel; beyond channel `last` that one is read again.
fn read_incoming(at: u32, plane: u32, last: u32, lane: u32) -> Incoming {
  let own = lane % LANES;
  let low = vec4f(incoming[at + min(own, last) * plane]);
  if (LANES == 8u) {
    return Incoming(low, vec4f());
  }
  return Incoming(low, vec4f(incoming[at + min(own + 4u, last) * plane]));
}

fn channel0(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.low, 0u);
}

fn channel1(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.low, 1u);
}

fn channel2(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.low, 2u);
}

fn channel3(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.low, 3u);
}

fn channel4(all: Incoming) -> vec4f {
  if (LANES == 8u) {
    return subgroupBroadcast(all.low, 4u);
  }
  return subgroupBroadcast(all.high, 0u);
}

fn channel5(all: Incoming) -> vec4f {
  if (LANES == 8u) {
    return subgroupBroadcast(all.low, 5u);
  }
  return subgroupBroadcast(all.high, 1u);
}

fn channel6(all: Incoming) -> vec4f {
  if (LANES == 8u) {
    return subgroupBroadcast(all.low, 6u);
  }
  return subgroupBroadcast(all.high, 2u);
}

fn channel7(all: Incoming) -> vec4f {
  if (LANES == 8u) {
    return subgroupBroadcast(all.low, 7u);
  }
  return subgroupBroadcast(all.high, 3u);
}
