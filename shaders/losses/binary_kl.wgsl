// Class distillation for sigmoid classifiers: with p = sigmoid(teacher / T), q = sigmoid(student / T),
//   losses[row] = weight (T^2 / C) sum_c [p ln(p / q) + (1 - p) ln((1 - p) / (1 - q))],   gradient = weight (T / C) (q - p)
struct Params {
  rows: u32,
  classes: u32,
  weight_stride: u32,
  scale: f32,
  temperature: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, C]
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> average_factor: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_weight.wgsl"
#include "../lib/kl.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let slope = row_weight(row) * params.temperature / f32(params.classes);
  var total = 0.0;
  for (var i = row * params.classes; i < (row + 1u) * params.classes; i++) {
    let part = binary_divergence(student[i], teacher[i], params.temperature);
    total += part.x;
    gradient[i] = slope * part.y;
  }
  losses[row] = slope * params.temperature * total;
}
