// Matrices of so many listed rows as a round of Cut LD takes: [blocks, channels, COLUMNS] vec4, a vec4 holding four rows.
// Rounds have a fixed size, so that their memory does not grow with the rows; the last ones mostly find nothing to do. Kernels
// take rows or blocks one after another: a processor runs through a workgroup without rows all the same, its lanes masked.
// `params` has which, the entries of the list that count (COUNT_POSITIVES or COUNT_ROWS), and start and round, the first of them
// that the round takes and how many at most.

/// rows of a block
const BLOCK = 512u;
/// vec4 of rows of a block
const COLUMNS = 128u;

fn round_rows() -> u32 {
  let count = listed(params.which);
  return min(params.round, select(0u, count - params.start, params.start < count));
}

fn round_blocks() -> u32 {
  return (round_rows() + BLOCK - 1u) / BLOCK;
}

/// vec4 of a channel at a column of the round.
fn matrix_index(column: u32, channel: u32, channels: u32) -> u32 {
  return (column / COLUMNS * channels + channel) * COLUMNS + column % COLUMNS;
}
