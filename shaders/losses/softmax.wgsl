// probabilities[row, k] = softmax over k of logits[row, k].
struct Params {
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [R, K]
@group(0) @binding(2) var<storage, read_write> probabilities: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_softmax.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * BINS;
  let at = row_log_sum(start);
  for (var k = 0u; k < BINS; k++) {
    probabilities[start + k] = exp(logits[start + k] - at.x - at.y);
  }
}
