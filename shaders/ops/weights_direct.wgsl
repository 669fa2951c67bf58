// Reads the packed weights (pack_weight.wgsl), each invocation what it needs; the other way is weights_subgroups.wgsl. The kernel declares
// `weight: array<Stored4>`.

/// The weights of two neighbouring taps.
struct Taps {
  at: u32,
}

/// Taps `tap` and `tap + 1`, counted from the buffer's start.
fn read_taps(tap: u32, lane: u32) -> Taps {
  return Taps(2u * tap);
}

fn first(taps: Taps) -> Eight {
  return Eight(vec4f(weight[taps.at]), vec4f(weight[taps.at + 1u]));
}

fn second(taps: Taps) -> Eight {
  return Eight(vec4f(weight[taps.at + 2u]), vec4f(weight[taps.at + 3u]));
}
