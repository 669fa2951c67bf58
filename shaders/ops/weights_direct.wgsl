// Reading the packed weights: every invocation reads what it needs. See weights_subgroups.wgsl for the other way.
// The kernel declares `weight: array<vec4f>`, packed by pack_weight.wgsl.

/// The weights of two neighbouring taps.
struct Taps {
  at: u32,
}

/// Taps `tap` and `tap + 1`, counted from the buffer's start.
fn read_taps(tap: u32, lane: u32) -> Taps {
  return Taps(2u * tap);
}

fn first(taps: Taps) -> Eight {
  return Eight(weight[taps.at], weight[taps.at + 1u]);
}

fn second(taps: Taps) -> Eight {
  return Eight(weight[taps.at + 2u], weight[taps.at + 3u]);
}
