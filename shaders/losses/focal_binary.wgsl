// Focal binary class distillation of rows: lib/focal_binary.wgsl of logits over T,
//   losses[row] = weight T^2 sum_c loss,   gradient = weight T dloss/dx: a sum over the classes, no mean
struct Params {
  rows: u32,
  classes: u32,
  weight_stride: u32,
  scale: f32,
  temperature: f32,
  beta: f32,
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
#include "../lib/focal_binary.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let slope = row_weight(row) * params.temperature;
  var total = 0.0;
  for (var i = row * params.classes; i < (row + 1u) * params.classes; i++) {
    let part = focal_binary(vec4f(student[i] / params.temperature), vec4f(teacher[i] / params.temperature), params.beta);
    total += part.loss.x;
    gradient[i] = slope * part.slope.x;
  }
  losses[row] = slope * params.temperature * total;
}
