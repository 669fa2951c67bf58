// Words of a table that is not written any more; the kernel has the binding `table`.

#include "head_table.wgsl"

/// 0 background, 1 + class at a positive, with TABLE_IGNORED where the label does not count.
fn table_at(location: u32) -> u32 {
  let flags = table[flag_word(location)] >> flag_shift(location);
  var entry = 0u;
  if (MARKED || ((flags >> (location % 4u)) & 1u) == 1u) {
    entry = table[location];
  }
  return entry;
}

/// Of four neighbouring locations.
fn four_at(location: u32) -> vec4u {
  if (location % 4u != 0u) {
    return vec4u(table_at(location), table_at(location + 1u), table_at(location + 2u), table_at(location + 3u));
  }
  let flags = (table[flag_word(location)] >> flag_shift(location)) & TABLE_LOCATIONS;
  var entries = vec4u();
  if (MARKED || flags != 0u) {
    let own = vec4u(table[location], table[location + 1u], table[location + 2u], table[location + 3u]);
    let listed = (vec4u(flags) & vec4u(1u, 2u, 4u, 8u)) != vec4u();
    entries = select(vec4u(), own, listed | vec4<bool>(MARKED));
  }
  return entries;
}
