// The lists of ATSS: `positives` is [G, levels, topk], of atss_candidates.wgsl.
#include "list_samples.wgsl"

/// A location positive for several ground truths takes the one of highest IoU, then of lowest index.
fn list_positives(list: ptr<function, List>, g: u32, image: u32, local: u32) {
  let box = boxes[g];
  let entries = params.level_count * params.topk;
  for (var first = 0u; first < entries; first += SIZE) {
    let entry = first + local;
    var cell = NONE;
    if (entry < entries) {
      cell = positives[g * entries + entry];
    }
    let found = cell != NONE;
    var location = 0u;
    var overlap = 0.0;
    var known = 0u;
    if (found) {
      let level = entry / params.topk;
      let width = params.levels[level].z;
      location = location_of(level, image, vec2u(cell % width, cell / width));
      overlap = box_iou(anchor_box(level, cell), box);
      known = table[location] & ~TABLE_IGNORED;
    }
    let place = append(list, vec4<bool>(found && known == 0u, false, false, false), local).x;
    if (found && known == 0u) {
      table[location] |= place + 1u;
      samples[image * params.image_slots + place] = Sample(location, (g << 16u) | u32(labels[g]), overlap, 0.0);
    } else if (found) {
      let slot = image * params.image_slots + known - 1u;
      if (overlap > samples[slot].score) {
        samples[slot].assigned = (g << 16u) | u32(labels[g]);
        samples[slot].score = overlap;
      }
    }
  }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  list_image(workgroup.x, local);
}
