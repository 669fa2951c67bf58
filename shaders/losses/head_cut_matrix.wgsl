// Matrices of so many listed rows as a round of Cut LD takes: [blocks, channels, COLUMNS] vec4, a vec4 holding four rows.
// Rounds have a fixed size, so that their memory does not grow with the map; the last ones mostly find nothing to do.
// `params` has start, the round's first entry of the list, and which, the entries that count: COUNT_POSITIVES or COUNT_ROWS.

/// rows of a block
const BLOCK = 512u;
/// vec4 of rows of a block
const COLUMNS = 128u;

/// Rows of the round that are there from its row `first` on.
fn rows_from(first: u32) -> u32 {
  let count = listed(params.which);
  let index = params.start + first;
  return select(0u, count - index, index < count);
}

/// vec4 of a channel at a column of the round.
fn matrix_index(column: u32, channel: u32, channels: u32) -> u32 {
  return (column / COLUMNS * channels + channel) * COLUMNS + column % COLUMNS;
}
