// A round of gi_select.wgsl by many workgroups a group, for GPUs; a dispatch each, and one more. A workgroup has a part of the group's locations.
// It finds the location that the last round chose from the bests of that round's parts, drops what that suppresses, and leaves its own best.

struct Params {
  batch: u32,
  /// batch, or 1
  images_per_group: u32,
  /// from 0; INSTANCES: the last is only marked
  round: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [locations], of gi_scores.wgsl
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
/// [locations]; what drops out becomes -1
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;
/// [locations]
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;
/// [2, levels, groups, parts]: (score as bits, location) of even rounds, and of odd ones
@group(0) @binding(4) var<storage, read_write> bests: array<vec2u>;

#include "gi_best.wgsl"

/// Locations of a part.
const PART = 1024u;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let parts = workgroups.z;
  let group = (workgroup.x * workgroups.y + workgroup.y) * parts;
  let half = workgroups.x * workgroups.y * parts;
  var latest = NONE;
  if (params.round > 0u) {
    let before = group + half * ((params.round + 1u) % 2u);
    var best = Best(-1.0, NONE);
    for (var i = local; i < parts; i += SIZE) {
      let other = bests[before + i];
      best = better(best, Best(bitcast<f32>(other.x), other.y));
    }
    keep_best(best, local);
    latest = workgroupUniformLoad(&best_locations[0]);
  }
  if (latest != NONE && workgroup.z == 0u && local == 0u) {
    mask[latest] = 1.0;
  }
  if (params.round == INSTANCES) {
    return;
  }
  let entry = params.levels[workgroup.x];
  let size = params.images_per_group * entry.y * entry.z;
  let start = params.batch * entry.x + workgroup.y * size;
  var own = Best(-1.0, NONE);
  // Where nothing was left in the last round, nothing is in this one.
  if (params.round == 0u || latest != NONE) {
    own = best_left(start + min(size, PART * workgroup.z), start + min(size, PART * (workgroup.z + 1u)), latest, local);
  }
  keep_best(own, local);
  if (local == 0u) {
    let best = kept(0u);
    bests[group + half * (params.round % 2u) + workgroup.z] = vec2u(bitcast<u32>(best.score), best.location);
  }
}
