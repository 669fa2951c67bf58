// Quality focal loss of each row of class logits (Generalized Focal Loss, eq. 5): the sum over classes, with the row's
// quality at its label and 0 elsewhere. gradient[row, c] = weight dl/dx_c
struct Params {
  rows: u32,
  classes: u32,
  weight_stride: u32,
  scale: f32,
  beta: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R, C]
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [R]; anything outside 0..C-1 is background
@group(0) @binding(2) var<storage, read> labels: array<i32>;
/// [R] in [0, 1]
@group(0) @binding(3) var<storage, read> quality: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> average_factor: array<f32>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/row_weight.wgsl"
#include "../lib/qfl.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let start = row * params.classes;
  let weight = row_weight(row);
  let label = labels[row];
  var total = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let part = qfl(logits[start + c], select(0.0, quality[row], i32(c) == label), params.beta);
    total += part.x;
    gradient[start + c] = weight * part.y;
  }
  losses[row] = weight * total;
}
