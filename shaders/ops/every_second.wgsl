// Every second row and column of each map, or (SPREAD) the transpose: the values in their places, zeros between. An invocation makes TURNS
// neighbouring elements, since the divisions for a position are dear on software adapters.
override SPREAD: bool = false;
const TURNS = 8u;

struct Params {
  /// of TURNS elements of the result, all levels
  groups: u32,
  level_count: u32,
  /// two entries a level: (first element of the result, its height, its width, first group),
  /// (first element of the maps, their height, width, elements of the result)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maps: array<Stored>;
@group(0) @binding(2) var<storage, read_write> result: array<Stored>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = linear_index(workgroup, workgroups, local, 64u);
  if (group >= params.groups) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[2u * level + 2u].w) {
    level++;
  }
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let first = TURNS * (group - to.w);
  let last = min(first + TURNS, source.w);
  let line = first / to.z;
  var x = first - line * to.z;
  var plane = line / to.y;
  var y = line - plane * to.y;
  for (var index = first; index < last; index++) {
    let start = source.x + plane * source.y * source.z;
    if (SPREAD) {
      result[to.x + index] = select(Stored(), maps[start + (y / 2u) * source.z + x / 2u], (x | y) % 2u == 0u);
    } else {
      result[to.x + index] = maps[start + 2u * y * source.z + 2u * x];
    }
    x++;
    if (x == to.z) {
      x = 0u;
      y++;
    }
    if (y == to.y) {
      y = 0u;
      plane++;
    }
  }
}
