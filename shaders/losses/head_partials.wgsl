// Sums of up to four quantities of a workgroup's 64 rows, level by level, in the order of the rows; and for each the first
// location where it is not a number. A workgroup writes PARTIALS entries (bits of the sum, ~location or 0) at
// PARTIALS · workgroup + 8 · quantity + level.

const PARTIALS = 32u;
const ROWS = 64u;

#include "head_coded.wgsl"

var<workgroup> row_values: array<vec4f, ROWS>;
/// (level, location)
var<workgroup> row_places: array<vec2u, ROWS>;

/// Every invocation calls it; level 8 where there is no row.
fn write_partials(values: vec4f, level: u32, location: u32, group: u32, local: u32) {
  // Not before the partials of the rows before are written.
  workgroupBarrier();
  row_values[local] = values;
  row_places[local] = vec2u(level, location);
  workgroupBarrier();
  if (local < PARTIALS) {
    let quantity = local / 8u;
    var sum = 0.0;
    var fault = 0u;
    for (var i = 0u; i < ROWS; i++) {
      let place = row_places[i];
      if (place.x == local % 8u) {
        let value = row_values[i][quantity];
        sum += value;
        if (is_bad(value)) {
          fault = max(fault, ~place.y);
        }
      }
    }
    partials[PARTIALS * group + local] = vec2u(bitcast<u32>(sum), fault);
  }
}
