// The table of what is listed: a word a location, a word a quad, and their flags. Only the flags are cleared in a step, so that its
// cost follows the listed rows: a word counts where its flag is set, and elsewhere holds what some step left there. (The words of
// levels that are not whole quads are cleared too, for head_stream.wgsl.)
//   [locations]       while the lists are made: 1 + place in the list of rows; afterwards 1 + class of a positive, else 0; with
//                     TABLE_IGNORED where the label does not count
//   [locations / 4]   1 + place in the list of quads
//   [locations / 16]  flags of four quads, a byte each: a bit for each of the four locations, then TABLE_QUAD
// `params` has flag_start, where the flags begin.

/// Every location has its word: labels may be ignored.
override MARKED: bool = false;

const TABLE_IGNORED = 0x80000000u;
const TABLE_LOCATIONS = 15u;
const TABLE_QUAD = 16u;

fn flag_word(location: u32) -> u32 {
  return params.flag_start + location / 16u;
}

/// Of the quad that the location is in.
fn flag_shift(location: u32) -> u32 {
  return 8u * (location / 4u % 4u);
}
