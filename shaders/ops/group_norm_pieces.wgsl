// Group norms by many workgroups a group, for GPUs: each has a piece of a channel's map. What a piece leaves for the others of its group is
// [chunks, channels], a chunk being a piece of all maps of an image and level. `params` has channels, groups,
// count, level_count and levels.

override LANES: u32 = 64;
override RELU: bool = false;
/// The first dispatch finds what each piece has, the second joins that of a group and makes the result.
override JOINS: bool = false;

struct Piece {
  channel: u32,
  /// of the channel's group
  first_channel: u32,
  /// of the statistics
  row: u32,
  /// its Elements
  begin: u32,
  end: u32,
  /// of the map
  area: u32,
  pieces: u32,
  /// of the image's first piece, and its own
  first_chunk: u32,
  chunk: u32,
}

fn piece_of(index: u32) -> Piece {
  var level = 0u;
  while (level + 1u < params.level_count && index >= params.levels[2u * level + 2u].x) {
    level++;
  }
  let entry = params.levels[2u * level];
  let cut = params.levels[2u * level + 1u];
  let piece = (index - entry.x) % cut.x;
  let map = (index - entry.x) / cut.x;
  let channel = map % params.channels;
  let members = params.channels / params.groups;
  let first = entry.y + map * entry.z;
  let first_chunk = cut.z + map / params.channels * cut.x;
  return Piece(
    channel,
    channel - channel % members,
    entry.w + map / members,
    first + min(entry.z, cut.y * piece),
    first + min(entry.z, cut.y * (piece + 1u)),
    entry.z,
    cut.x,
    first_chunk,
    first_chunk + piece,
  );
}

/// Whether a piece is the first of its group.
fn is_first(own: Piece) -> bool {
  return own.channel == own.first_channel && own.chunk == own.first_chunk;
}

/// Where the `i`-th piece of a group leaves what it has.
fn left_at(own: Piece, i: u32) -> u32 {
  return (own.first_chunk + i % own.pieces) * params.channels + own.first_channel + i / own.pieces;
}

/// Pieces of a group.
fn pieces_of_group(own: Piece) -> u32 {
  return params.channels / params.groups * own.pieces;
}
