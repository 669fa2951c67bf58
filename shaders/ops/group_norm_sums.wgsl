// Of each level, image and channel: (Σ incoming, Σ incoming × normalised input); one workgroup each. The gradients of scale
// and shift are their sums over levels and images. A fixed order.
struct Params {
  batch: u32,
  channels: u32,
  groups: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
/// [levels, batch, groups] (mean, 1/deviation)
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
/// [levels, batch, channels]
@group(0) @binding(4) var<storage, read_write> sums: array<vec2f>;

#include "group_sum.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.y];
  let area = entry.y * entry.z;
  let start = params.batch * params.channels * entry.x + workgroup.x * area;
  let group = workgroup.x / (params.channels / params.groups);
  let statistic = statistics[workgroup.y * params.batch * params.groups + group];
  var own = vec2f();
  for (var i = local; i < area; i += GROUP_SIZE) {
    let slope = incoming[start + i];
    own += vec2f(slope, slope * (input[start + i] - statistic.x));
  }
  let total = group_sum(own, local);
  if (local == 0u) {
    sums[workgroup.y * params.batch * params.channels + workgroup.x] = total * vec2f(1.0, statistic.y);
  }
}
