// Partial gradients of scale and shift of layer_norm.wgsl, Σ incoming · n and Σ incoming over chunks of rows, for sum_chunks.wgsl. An
// invocation takes one column of one chunk.
struct Params {
  /// chunks · length
  count: u32,
  rows: u32,
  length: u32,
  rows_a_chunk: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [rows, length]
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
/// [rows]: mean, 1/√(variance + ε)
@group(0) @binding(3) var<storage, read> statistics: array<vec2f>;
/// [chunks, length]
@group(0) @binding(4) var<storage, read_write> scale_sums: array<f32>;
@group(0) @binding(5) var<storage, read_write> shift_sums: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let column = i % params.length;
  let first = i / params.length * params.rows_a_chunk;
  var sums = vec2f();
  for (var row = first; row < min(params.rows, first + params.rows_a_chunk); row++) {
    let at = row * params.length + column;
    let n = (input[at] - statistics[row].x) * statistics[row].y;
    sums += incoming[at] * vec2f(n, 1.0);
  }
  scale_sums[i] = sums.x;
  shift_sums[i] = sums.y;
}
