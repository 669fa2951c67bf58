// Every second row and column of each map, or (SPREAD) the transpose: the values back in their places, zeros between them.
override SPREAD: bool = false;

struct Params {
  /// elements of the result, all levels
  count: u32,
  level_count: u32,
  /// two entries a level: (first element of the result, its height, its width, 0), (first element of the maps, their height, width, 0)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maps: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && index >= params.levels[2u * level + 2u].x) {
    level++;
  }
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let x = (index - to.x) % to.z;
  let y = ((index - to.x) / to.z) % to.y;
  let plane = source.x + ((index - to.x) / (to.y * to.z)) * source.y * source.z;
  if (SPREAD) {
    result[index] = select(0.0, maps[plane + (y / 2u) * source.z + x / 2u], (x | y) % 2u == 0u);
  } else {
    result[index] = maps[plane + 2u * y * source.z + 2u * x];
  }
}
