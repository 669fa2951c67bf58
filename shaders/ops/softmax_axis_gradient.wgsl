// Gradient of softmax_axis.wgsl from its result p: p (g − Σ p g); an invocation a row.
struct Params {
  count: u32,
  extent: u32,
  step: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> shares: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let first = i / params.step * params.step * params.extent + i % params.step;
  let end = first + params.extent * params.step;
  var sum = 0.0;
  for (var at = first; at < end; at += params.step) {
    sum += shares[at] * incoming[at];
  }
  for (var at = first; at < end; at += params.step) {
    gradient[at] = shares[at] * (incoming[at] - sum);
  }
}
