// One invocation a row: the sum of its pieces, in order.
struct Params {
  rows: u32,
  pieces: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [rows, pieces]
@group(0) @binding(1) var<storage, read> pieces: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.rows) {
    return;
  }
  var sum = 0.0;
  for (var piece = 0u; piece < params.pieces; piece++) {
    sum += pieces[i * params.pieces + piece];
  }
  sums[i] = sum;
}
