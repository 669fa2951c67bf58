// Mean and 1/deviation of each image, group and level: one workgroup each, over the group's contiguous channels. Two passes,
// so that a mean far from zero does not cancel the variance away. A fixed order.
struct Params {
  batch: u32,
  channels: u32,
  groups: u32,
  epsilon: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
/// [levels, batch, groups] (mean, 1/deviation)
@group(0) @binding(2) var<storage, read_write> statistics: array<vec2f>;

#include "group_sum.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.y];
  // in vec4; a group has a multiple of four channels, so it starts and ends with a whole vec4
  let size = params.channels / params.groups * entry.y * entry.z / 4u;
  let start = params.batch * params.channels * entry.x / 4u + workgroup.x * size;
  let elements = 4.0 * f32(size);
  var own = vec4f();
  for (var i = local; i < size; i += GROUP_SIZE) {
    own += input[start + i];
  }
  let mean = group_sum(vec2f(dot(own, vec4f(1.0)), 0.0), local).x / elements;
  own = vec4f();
  for (var i = local; i < size; i += GROUP_SIZE) {
    let centred = input[start + i] - mean;
    own += centred * centred;
  }
  let variance = group_sum(vec2f(dot(own, vec4f(1.0)), 0.0), local).x / elements;
  if (local == 0u) {
    statistics[workgroup.y * params.batch * params.groups + workgroup.x] = vec2f(mean, inverseSqrt(variance + params.epsilon));
  }
}
