// Back through a softmax: gradient[row, k] = p_k (incoming_k - sum_j p_j incoming_j).
struct Params {
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/bins.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * BINS;
  var mean = 0.0;
  for (var k = 0u; k < BINS; k++) {
    mean += probabilities[start + k] * incoming[start + k];
  }
  for (var k = 0u; k < BINS; k++) {
    gradient[start + k] = probabilities[start + k] * (incoming[start + k] - mean);
  }
}
