// Temperature KL of each row: with p = softmax(teacher / T), q = softmax(student / T),
//   losses[row] = weight (T^2 / K) sum_k p_k (ln p_k - ln q_k),   gradient[row, k] = weight (T / K) (q_k - p_k)
// Over bins: localization distillation (LD, CVPR 2022); over classes: its class distillation.
struct Params {
  rows: u32,
  weight_stride: u32,
  scale: f32,
  temperature: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, K]
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> average_factor: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_weight.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/kl.wgsl"

/// (student, teacher)
fn logits_at(i: u32) -> vec2f {
  return vec2f(student[i], teacher[i]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * BINS;
  let weight = row_weight(row);
  if (weight == 0.0) {
    losses[row] = 0.0;
    for (var k = 0u; k < BINS; k++) {
      gradient[start + k] = 0.0;
    }
    return;
  }
  let inverse_temperature = 1.0 / params.temperature;
  var greatest = logits_at(start);
  for (var k = 1u; k < BINS; k++) {
    greatest = max(greatest, logits_at(start + k));
  }
  var sums = vec2f();
  for (var k = 0u; k < BINS; k++) {
    sums += exp((logits_at(start + k) - greatest) * inverse_temperature);
  }
  let log_sums = log(sums);
  let slope = weight * params.temperature / f32(BINS);
  var total = 0.0;
  for (var k = 0u; k < BINS; k++) {
    let log_probability = (logits_at(start + k) - greatest) * inverse_temperature - log_sums;
    let part = divergence(log_probability.y, log_probability.x);
    total += part.x;
    gradient[start + k] = slope * part.y;
  }
  losses[row] = slope * params.temperature * total;
}
