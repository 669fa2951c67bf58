// Distribution focal loss of each row of bins (Generalized Focal Loss, eq. 6). With y the clamped distance, lo = floor(y),
// hi = lo + 1 and the shares s_lo = hi - y, s_hi = y - lo, others 0:
//   losses[row] = -weight sum_k s_k ln p_k,   gradient[row, k] = weight (p_k - s_k)
struct Params {
  rows: u32,
  weight_stride: u32,
  scale: f32,
  /// upper end of the distances
  greatest: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [R], in bin units
@group(0) @binding(2) var<storage, read> distances: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> average_factor: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_weight.wgsl"
#include "../lib/row_softmax.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * BINS;
  let weight = row_weight(row);
  let at = row_log_sum(start);
  let y = clamp(distances[row], 0.0, params.greatest);
  var total = 0.0;
  for (var k = 0u; k < BINS; k++) {
    let log_probability = logits[start + k] - at.x - at.y;
    let part = two_hot(k, y);
    total -= part * log_probability;
    gradient[start + k] = weight * (exp(log_probability) - part);
  }
  losses[row] = weight * total;
}
