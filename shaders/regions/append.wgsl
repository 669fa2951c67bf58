// A list that the invocations of a workgroup make together, in a fixed order: no atomic addition decides who comes first.

/// At most the bits of a word. Smaller is faster on software adapters, where a barrier switches between the workgroup's parts.
const SIZE = 32u;

/// Invocations that list a new sample, a bit each: three sets in turn, so that one barrier a round is enough.
var<workgroup> wanted: array<atomic<u32>, 3>;

struct List {
  samples: u32,
  round: u32,
}

/// The place of a new sample of each invocation that wants one. All call it.
fn append(list: ptr<function, List>, wants: bool, local: u32) -> u32 {
  let turn = (*list).round % 3u;
  if (wants) {
    atomicOr(&wanted[turn], 1u << local);
  }
  workgroupBarrier();
  let bits = atomicLoad(&wanted[turn]);
  // The set after the next: nobody reads it any more, and nobody writes it before the next barrier.
  if (local == 0u) {
    atomicStore(&wanted[((*list).round + 2u) % 3u], 0u);
  }
  let place = (*list).samples + countOneBits(bits & ((1u << local) - 1u));
  (*list).samples += countOneBits(bits);
  (*list).round++;
  return place;
}
