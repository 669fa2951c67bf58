// The best of many for a workgroup: every invocation keeps a sorted list of its own, one merges them. That is a single barrier:
// software adapters pay dearly for each.

const LANES = 32u;
/// the most entries of a list
const MAX_BEST = 32u;
/// Below every key: a list has no more.
const NO_KEY = -3.0e38;

/// entry of list l at [entry · LANES + l], highest key first
var<workgroup> best_keys: array<f32, LANES * MAX_BEST>;
var<workgroup> best_locations: array<u32, LANES * MAX_BEST>;
var<workgroup> list_lengths: array<u32, LANES>;
/// entries taken from each list, and the keys that are next
var<workgroup> list_heads: array<u32, LANES>;
var<workgroup> head_keys: array<f32, LANES>;

/// Whether a key would enter an invocation's list. Offered in order of location, the earlier of equal keys stays first.
fn enters(key: f32, length: u32, limit: u32, local: u32) -> bool {
  return length < limit || key > best_keys[(limit - 1u) * LANES + local];
}

/// Puts a key that enters into the list; returns its length.
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

fn close_list(length: u32, local: u32) {
  list_lengths[local] = length;
  var key = NO_KEY;
  if (length > 0u) {
    key = best_keys[local];
  }
  head_keys[local] = key;
  list_heads[local] = 0u;
}

fn head_location(list: u32) -> u32 {
  return best_locations[list_heads[list] * LANES + list];
}

struct Best {
  key: f32,
  location: u32,
}

/// Takes the location of highest key, then lowest index, out of all lists; NO_KEY and NONE where they are empty. For one invocation,
/// after a barrier.
fn take_best() -> Best {
  var key = NO_KEY;
  var list = 0u;
  for (var l = 0u; l < LANES; l++) {
    let own = head_keys[l];
    if (own > key || (own == key && own > NO_KEY && head_location(l) < head_location(list))) {
      key = own;
      list = l;
    }
  }
  if (key <= NO_KEY) {
    return Best(NO_KEY, NONE);
  }
  let location = head_location(list);
  let head = list_heads[list] + 1u;
  list_heads[list] = head;
  var next = NO_KEY;
  if (head < list_lengths[list]) {
    next = best_keys[head * LANES + list];
  }
  head_keys[list] = next;
  return Best(key, location);
}
