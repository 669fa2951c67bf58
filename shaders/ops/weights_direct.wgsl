// Reads the packed weights (pack_weight.wgsl), each invocation what it needs; the other way is weights_subgroups.wgsl. The kernel declares
// `weight: array<Stored4>`.

/// The weights of four neighbouring taps.
struct Taps {
  at: u32,
}

/// Taps `tap` to `tap + 3`, counted from the buffer's start.
fn read_taps(tap: u32, lane: u32) -> Taps {
  return Taps(2u * tap);
}

/// The first of them only.
fn read_tap(tap: u32, lane: u32) -> Taps {
  return Taps(2u * tap);
}

fn weights_at(at: u32) -> Eight {
  return Eight(vec4f(weight[at]), vec4f(weight[at + 1u]));
}

fn first(taps: Taps) -> Eight {
  return weights_at(taps.at);
}

fn second(taps: Taps) -> Eight {
  return weights_at(taps.at + 2u);
}

fn third(taps: Taps) -> Eight {
  return weights_at(taps.at + 4u);
}

fn fourth(taps: Taps) -> Eight {
  return weights_at(taps.at + 6u);
}
