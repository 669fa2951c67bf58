// General instances, second pass: greedy suppression, one workgroup a group: a level of the whole batch (as in LD's reference
// implementation) or of one image. Ten times the location of highest score, the first of equals, joins the region, and locations whose
// box has an IoU above 0.3 with its box drop out.

struct Params {
  batch: u32,
  /// batch, or 1
  images_per_group: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [locations], of gi_scores.wgsl
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [locations]; what drops out becomes -1
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
/// [locations]
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;

#include "gi_best.wgsl"

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.x];
  let size = params.images_per_group * entry.y * entry.z;
  let start = params.batch * entry.x + workgroup.y * size;
  var latest = NONE;
  for (var round = 0u; round < INSTANCES; round++) {
    keep_best(best_left(start, start + size, latest, local), local);
    latest = workgroupUniformLoad(&best_locations[0]);
    if (latest == NONE) {
      return;
    }
    if (local == 0u) {
      mask[latest] = 1.0;
    }
  }
}
