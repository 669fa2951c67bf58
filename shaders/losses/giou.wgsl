// Box regression loss of each row: weight times the box_loss of terms/giou.wgsl or the like.
struct Params {
  rows: u32,
  weight_stride: u32,
  scale: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [R] boxes xyxy
@group(0) @binding(1) var<storage, read> predicted: array<vec4f>;
@group(0) @binding(2) var<storage, read> truth: array<vec4f>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> average_factor: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
/// [R] with respect to the predicted box
@group(0) @binding(6) var<storage, read_write> gradient: array<vec4f>;

#include "../lib/index.wgsl"
#include "../lib/row_weight.wgsl"
#include "../lib/overlap.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = linear_index(workgroup, workgroups, local, 64u);
  if (row >= params.rows) {
    return;
  }
  let weight = row_weight(row);
  let box = box_loss(predicted[row], truth[row]);
  losses[row] = weight * box.loss;
  gradient[row] = weight * box.gradient;
}
