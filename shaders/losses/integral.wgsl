// The expected value of each row (Generalized Focal Loss): expected[row] = d = sum_k v_k p_k, p = softmax(logits), with its
// derivative gradient[row, k] = p_k (v_k - d); v_k = k without a table.
struct Params {
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [K]
@group(0) @binding(2) var<storage, read> projection: array<f32>;
/// [R], in the projection's unit
@group(0) @binding(3) var<storage, read_write> expected: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_softmax.wgsl"
#include "../lib/projection.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * BINS;
  let at = row_log_sum(start);
  var distance = 0.0;
  for (var k = 0u; k < BINS; k++) {
    let probability = exp(logits[start + k] - at.x - at.y);
    gradient[start + k] = probability;
    distance += value_of(k) * probability;
  }
  expected[row] = distance;
  for (var k = 0u; k < BINS; k++) {
    gradient[start + k] *= value_of(k) - distance;
  }
}
