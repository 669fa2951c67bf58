// Reads the incoming gradients of eight output channels at four pixels, the same for a whole workgroup: each of four neighbouring lanes reads
// two channels and the subgroup (at least four lanes) passes them round. The kernel declares `incoming: array<Stored4>`.
struct Incoming {
  /// channels 0 to 3 in the lanes 0 to 3
  low: vec4f,
  high: vec4f,
}

/// `at`: the first channel's vec4; `plane`: from channel to channel; beyond channel `last` that one is read again.
fn read_incoming(at: u32, plane: u32, last: u32, lane: u32) -> Incoming {
  let own = lane % 4u;
  return Incoming(vec4f(incoming[at + min(own, last) * plane]), vec4f(incoming[at + min(own + 4u, last) * plane]));
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
  return subgroupBroadcast(all.high, 0u);
}

fn channel5(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.high, 1u);
}

fn channel6(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.high, 2u);
}

fn channel7(all: Incoming) -> vec4f {
  return subgroupBroadcast(all.high, 3u);
}
