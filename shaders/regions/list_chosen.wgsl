// The lists of assigners that choose by the student's outputs: `positives` is [G, topk] locations, NONE where an object has fewer; then, with
// OWNERS, [locations]: which object takes a location that several chose. Without owners its score becomes CONTESTED.
#include "list_samples.wgsl"

override OWNERS: bool = true;

fn list_positives(list: ptr<function, List>, g: u32, image: u32, local: u32) {
  let first_owner = image_starts[params.batch] * params.topk;
  for (var first = 0u; first < params.topk; first += SIZE) {
    var location = NONE;
    if (first + local < params.topk) {
      location = positives[g * params.topk + first + local];
    }
    let found = location != NONE;
    var known = 0u;
    if (found) {
      known = table[location] & ~TABLE_IGNORED;
    }
    let place = append(list, vec4<bool>(found && known == 0u, false, false, false), local).x;
    if (found && known == 0u) {
      table[location] |= place + 1u;
      samples[image * params.image_slots + place] = Sample(location, (g << 16u) | u32(labels[g]), 0.0, 0.0);
    } else if (found && !OWNERS) {
      samples[image * params.image_slots + known - 1u].score = CONTESTED;
    } else if (found) {
      let owner = positives[first_owner + location];
      samples[image * params.image_slots + known - 1u].assigned = (owner << 16u) | u32(labels[owner]);
    }
  }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  list_image(workgroup.x, local);
}
