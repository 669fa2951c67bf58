// The lists of all images one after another; `params` has image_slots, level_count, levels and centre_offset.

#include "head_counts.wgsl"

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

struct Place {
  level: u32,
  image: u32,
  /// row-major index in the level's map
  index: u32,
}

fn place_of(location: u32, image: u32) -> Place {
  var level = 0u;
  while (level + 1u < params.level_count && location >= params.batch * params.levels[level + 1u].x) {
    level++;
  }
  let entry = params.levels[level];
  return Place(level, image, location - params.batch * entry.x - image * entry.y * entry.z);
}

/// Centre of a place's anchor in cells, that is in strides.
fn centre_of(at: Place) -> vec2f {
  let width = params.levels[at.level].z;
  let row = at.index / width;
  return vec2f(f32(at.index - row * width), f32(row)) + params.centre_offset;
}
