// `params` has batch, level_count and levels.

fn level_of(location: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && location >= params.batch * params.levels[level + 1u].x) {
    level++;
  }
  return level;
}
