// A list that SIZE invocations make together in a fixed order, without the race of an atomic addition. SIZE is at most the bits of a word.

/// Cells that an invocation looks at between barriers.
const CELLS = 4u;

/// Invocations that list a new sample, a bit each, by cell: three sets in turn, so that one barrier a round is enough.
var<workgroup> wanted: array<atomic<u32>, 3u * CELLS>;

struct List {
  samples: u32,
  round: u32,
}

/// The places of each invocation's new samples, cell after cell. All invocations call it.
fn append(list: ptr<function, List>, wants: vec4<bool>, local: u32) -> vec4u {
  let turn = CELLS * ((*list).round % 3u);
  for (var k = 0u; k < 4u; k++) { // unroll
    if (wants[k]) {
      atomicOr(&wanted[turn + k], 1u << local);
    }
  }
  workgroupBarrier();
  let bits = vec4u(atomicLoad(&wanted[turn]), atomicLoad(&wanted[turn + 1u]), atomicLoad(&wanted[turn + 2u]), atomicLoad(&wanted[turn + 3u]));
  // The set after the next: nobody reads it any more, and nobody writes it before the next barrier.
  if (local < CELLS) {
    atomicStore(&wanted[CELLS * (((*list).round + 2u) % 3u) + local], 0u);
  }
  let counts = countOneBits(bits);
  let before = vec4u(0u, counts.x, counts.x + counts.y, counts.x + counts.y + counts.z);
  let places = (*list).samples + before + countOneBits(bits & vec4u((1u << local) - 1u));
  (*list).samples += before.w + counts.w;
  (*list).round++;
  return places;
}
