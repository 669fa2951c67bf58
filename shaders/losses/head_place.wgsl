// Where a listed row lies; `params` has batch, level_count and levels.

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
