// Gradient of ReLU, 0 for x ≤ 0, or of SiLU, σ(x)(1 + x(1 − σ(x))) (SILU = true); four elements an invocation.
struct Params {
  /// number of vec4
  count: u32,
}
override SILU: bool = false;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> gradient: array<Stored4>;

#include "../lib/index.wgsl"
#include "sigmoid.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let x = vec4f(input[i]);
  let arrived = vec4f(incoming[i]);
  if (SILU) {
    let s = sigmoid(x);
    gradient[i] = Stored4(arrived * s * (1.0 + x * (1.0 - s)));
  } else {
    gradient[i] = Stored4(select(vec4f(), arrived, x > vec4f()));
  }
}
