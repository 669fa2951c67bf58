// Words of a table that is not written any more; the kernel has the binding `table`.

#include "head_table.wgsl"

/// 0 background, 1 + class at a positive, with TABLE_IGNORED where the label does not count.
fn table_at(location: u32) -> u32 {
  let flags = table[flag_word(location)] >> flag_shift(location);
  return select(0u, table[location], MARKED || ((flags >> (location % 4u)) & 1u) == 1u);
}

/// Of four neighbouring locations, the first a multiple of four: few have a word, and others' are not read.
fn four_at(location: u32) -> vec4u {
  let flags = vec4u(table[flag_word(location)] >> flag_shift(location)) & vec4u(1u, 2u, 4u, 8u);
  let listed = (flags != vec4u()) | vec4<bool>(MARKED);
  var entries = vec4u();
  if (any(listed)) {
    let own = vec4u(table[location], table[location + 1u], table[location + 2u], table[location + 3u]);
    entries = select(vec4u(), own, listed);
  }
  return entries;
}
