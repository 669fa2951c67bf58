// Reads the incoming gradients of eight output channels at four pixels, each invocation what it needs; the other way is
// incoming_subgroups.wgsl. The kernel declares `incoming: array<Stored4>`.
struct Incoming {
  at: u32,
  plane: u32,
  last: u32,
}

/// `at`: the first channel's vec4; `plane`: from channel to channel; beyond channel `last` that one is read again.
fn read_incoming(at: u32, plane: u32, last: u32, lane: u32) -> Incoming {
  return Incoming(at, plane, last);
}

fn channel0(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at]);
}

fn channel1(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(1u, at.last) * at.plane]);
}

fn channel2(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(2u, at.last) * at.plane]);
}

fn channel3(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(3u, at.last) * at.plane]);
}

fn channel4(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(4u, at.last) * at.plane]);
}

fn channel5(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(5u, at.last) * at.plane]);
}

fn channel6(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(6u, at.last) * at.plane]);
}

fn channel7(at: Incoming) -> vec4f {
  return vec4f(incoming[at.at + min(7u, at.last) * at.plane]);
}
