// Exponential moving average of the parameters, four elements an invocation: e ← e + (1 − decay)·(w − e).
struct Params {
  /// vec4 of the parameters
  count: u32,
}
#include "control.wgsl"
#include "../lib/index.wgsl"
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> control: Control;
@group(0) @binding(2) var<storage, read> scalars: Scalars;
@group(0) @binding(3) var<storage, read> values: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> averages: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count && control.apply == 1u) {
    averages[i] += (1.0 - scalars.average_decay) * (values[i] - averages[i]);
  }
}
