// The lists of all images one after another; see head_place.wgsl.

#include "head_counts.wgsl"
#include "head_place.wgsl"

/// (place in its image's list, image) of entry `index`, an entry that exists.
fn find_entry(index: u32, which: u32) -> vec2u {
  var rest = index;
  var image = 0u;
  while (image + 1u < params.batch) {
    let count = u32(counts[image * COUNTS + which]);
    if (rest < count) {
      break;
    }
    rest -= count;
    image++;
  }
  return vec2u(rest, image);
}
