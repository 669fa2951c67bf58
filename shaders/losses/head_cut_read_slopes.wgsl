// Reading slopes, the same for neighbouring invocations: each reads them. See head_cut_read_slopes_subgroups.wgsl for the other way.

/// Four channels of four rows.
fn read_slopes(at: u32, lane: u32) -> Slopes {
  return Slopes(slopes[at], slopes[at + COLUMNS], slopes[at + 2u * COLUMNS], slopes[at + 3u * COLUMNS]);
}
