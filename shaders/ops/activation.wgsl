// ReLU, max(x, 0), or SiLU, x·σ(x) (SILU = true); four elements an invocation.
struct Params {
  /// number of vec4
  count: u32,
}
override SILU: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored4>;

#include "../lib/index.wgsl"
#include "sigmoid.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let x = vec4f(input[i]);
  if (SILU) {
    output[i] = Stored4(x * sigmoid(x));
  } else {
    output[i] = Stored4(max(x, vec4f()));
  }
}
