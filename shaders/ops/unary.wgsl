// A function of each element, which is a file of shaders/ops/unary; four elements an invocation.
#include "unary_params.wgsl"
#include "../lib/index.wgsl"

@group(0) @binding(1) var<storage, read> input: array<Stored4>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored4>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    output[i] = Stored4(unary(vec4f(input[i])));
  }
}
