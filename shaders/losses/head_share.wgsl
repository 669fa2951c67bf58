// An image's list shared out to the workgroups (n, image) in whole groups of ROWS neighbouring rows, since neighbours in the list lie in
// the same pages of each plane of logits. Needs ../regions/sample.wgsl and the binding `counts`.

/// Invocations of a workgroup.
const ROWS = 64u;

/// Length of an image's list: `which` is COUNT_POSITIVES or COUNT_SAMPLES.
fn count_of(image: u32, which: u32) -> u32 {
  return u32(counts[image * COUNTS + which]);
}

/// The same of all images before this one.
fn count_before(image: u32, which: u32) -> u32 {
  var sum = 0u;
  for (var other = 0u; other < image; other++) {
    sum += count_of(other, which);
  }
  return sum;
}

/// First entry, and last + 1, of the workgroup's share of [first, end).
fn part_of(first: u32, end: u32, workgroup: u32, workgroups: u32) -> vec2u {
  let size = ROWS * ((end - first + ROWS * workgroups - 1u) / (ROWS * workgroups));
  return min(first + vec2u(workgroup * size, (workgroup + 1u) * size), vec2u(end));
}
