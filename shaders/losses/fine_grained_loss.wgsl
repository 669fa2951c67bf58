// Fine-grained localization loss of each row of bins (D-FINE, Peng et al., ICLR 2025, eq. 3): the cross entropy of the two bins about
// the target, whatever values the bins stand for; beyond the ends that of the last bin alone. With the shares s_k of the target
//   losses[row] = -weight sum_k s_k ln p_k,   gradient[row, k] = weight (p_k - s_k)
struct Params {
  rows: u32,
  weight_stride: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [R], in the projection's unit
@group(0) @binding(2) var<storage, read> targets: array<f32>;
/// [K]
@group(0) @binding(3) var<storage, read> projection: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> average_factor: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_weight.wgsl"
#include "../lib/row_softmax.wgsl"
#include "../lib/projection.wgsl"
#include "../lib/bin_shares.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * BINS;
  let weight = row_weight(row);
  let at = row_log_sum(start);
  let value = clamp(targets[row], value_of(0u), value_of(BINS - 1u));
  var total = 0.0;
  for (var k = 0u; k < BINS; k++) {
    let log_probability = logits[start + k] - at.x - at.y;
    let part = value_share(k, value, BINS);
    // A branch: 0 · −∞ would be NaN where the logits are far apart.
    if (part > 0.0) {
      total -= part * log_probability;
    }
    gradient[start + k] = weight * (exp(log_probability) - part);
  }
  losses[row] = weight * total;
}
