// Lists that the invocations of a workgroup make together, in a fixed order: no atomic addition decides who comes first.

/// At most the bits of a word. Smaller is faster on software adapters, where a barrier switches between the workgroup's parts.
const SIZE = 32u;

/// Invocations that list a new row, a bit each: three sets in turn, so that one barrier a round is enough.
var<workgroup> wanted: array<atomic<u32>, 3>;

struct Lists {
  rows: u32,
  quads: u32,
  round: u32,
}

/// Of the invocations that want a new entry of a list: (how many come before this one, how many there are). All call it.
fn append(lists: ptr<function, Lists>, wants: bool, local: u32) -> vec2u {
  let turn = (*lists).round % 3u;
  if (wants) {
    atomicOr(&wanted[turn], 1u << local);
  }
  workgroupBarrier();
  let bits = atomicLoad(&wanted[turn]);
  // The set after the next: nobody reads it any more, and nobody writes it before the next barrier.
  if (local == 0u) {
    atomicStore(&wanted[((*lists).round + 2u) % 3u], 0u);
  }
  (*lists).round++;
  return vec2u(countOneBits(bits & ((1u << local) - 1u)), countOneBits(bits));
}
