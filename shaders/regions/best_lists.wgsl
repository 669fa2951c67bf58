// The best of many that a workgroup looks at: every invocation keeps a sorted list of its own, one merges them. A single barrier lies
// between, which software adapters pay dearly for.

const LANES = 32u;
/// the most entries of a list
const MAX_BEST = 32u;

/// entry of list l at [entry · LANES + l], highest key first
var<workgroup> best_keys: array<f32, LANES * MAX_BEST>;
var<workgroup> best_locations: array<u32, LANES * MAX_BEST>;
var<workgroup> list_lengths: array<u32, LANES>;
/// entries of each list that were taken
var<workgroup> list_heads: array<u32, LANES>;

/// Whether a key would enter the list of an invocation; offered in order of location, the earlier stays before an equal one.
fn enters(key: f32, length: u32, limit: u32, local: u32) -> bool {
  return length < limit || key > best_keys[(limit - 1u) * LANES + local];
}

/// Puts a key that enters into the list of an invocation; returns its length.
fn insert(key: f32, location: u32, length: u32, limit: u32, local: u32) -> u32 {
  let longer = min(length + 1u, limit);
  var entry = longer - 1u;
  while (entry > 0u && best_keys[(entry - 1u) * LANES + local] < key) {
    best_keys[entry * LANES + local] = best_keys[(entry - 1u) * LANES + local];
    best_locations[entry * LANES + local] = best_locations[(entry - 1u) * LANES + local];
    entry--;
  }
  best_keys[entry * LANES + local] = key;
  best_locations[entry * LANES + local] = location;
  return longer;
}

/// Takes the location of highest key, then lowest index, out of all lists; NONE where they are empty. For one invocation, after a
/// barrier.
fn take_best() -> u32 {
  var from_list = LANES;
  var key = 0.0;
  var location = NONE;
  for (var l = 0u; l < LANES; l++) {
    let head = list_heads[l];
    if (head == list_lengths[l]) {
      continue;
    }
    let own_key = best_keys[head * LANES + l];
    let own_location = best_locations[head * LANES + l];
    if (from_list == LANES || own_key > key || (own_key == key && own_location < location)) {
      from_list = l;
      key = own_key;
      location = own_location;
    }
  }
  if (from_list < LANES) {
    list_heads[from_list]++;
  }
  return location;
}
