// output = input × the scale of its level. Four elements an invocation, which may be of several levels.
struct Params {
  /// number of vec4
  count: u32,
  level_count: u32,
  /// batch × channels
  planes: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
/// [levels]
@group(0) @binding(2) var<storage, read> scales: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

#include "../lib/index.wgsl"

fn level_of(element: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && element >= params.planes * params.levels[level + 1u].x) {
    level++;
  }
  return level;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    let first = 4u * i;
    let level = level_of(first);
    var factors = vec4f(scales[level]);
    if (level_of(first + 3u) != level) {
      factors.y = scales[level_of(first + 1u)];
      factors.z = scales[level_of(first + 2u)];
      factors.w = scales[level_of(first + 3u)];
    }
    output[i] = input[i] * factors;
  }
}
