// Locations of a pyramid. The kernel's uniform `params` has the fields
//   batch: u32, level_count: u32, levels: array<vec4u, 8>   each level (start, height, width, 0), see Pyramid.levelTable.
// A location index runs level by level, then image, then row-major: the order of a pyramid of one channel.

struct Location {
  level: u32,
  image: u32,
  /// row-major index in the level's map
  index: u32,
}

fn locate(location: u32) -> Location {
  var level = 0u;
  while (level + 1u < params.level_count && location >= params.batch * params.levels[level + 1u].x) {
    level++;
  }
  let entry = params.levels[level];
  let area = entry.y * entry.z;
  let rest = location - params.batch * entry.x;
  return Location(level, rest / area, rest % area);
}

/// Element of channel `channel` at a location of a pyramid with `channels` channels.
fn element(at: Location, channel: u32, channels: u32) -> u32 {
  let entry = params.levels[at.level];
  let area = entry.y * entry.z;
  return params.batch * channels * entry.x + (at.image * channels + channel) * area + at.index;
}
