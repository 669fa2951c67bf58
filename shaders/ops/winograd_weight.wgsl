// Weights of winograd.wgsl, U = G g Gᵀ: an invocation an output and input channel.

struct Params {
  outputs: u32,
  inputs: u32,
  /// 1: of the gradient of the input, [inputs, outputs, 3, 3] turned by half a circle
  transposed: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [outputs, inputs, 3, 3]
@group(0) @binding(1) var<storage, read> weight: array<f32>;
/// [outputs, inputs, 4 rows]: a row of four
@group(0) @binding(2) var<storage, read_write> transformed: array<vec4f>;

#include "../lib/index.wgsl"

fn row_at(index: u32, row: u32) -> vec3f {
  let o = index / params.inputs;
  let c = index % params.inputs;
  if (params.transposed == 1u) {
    let first = 9u * (c * params.outputs + o) + 6u - 3u * row;
    return vec3f(weight[first + 2u], weight[first + 1u], weight[first]);
  }
  let first = 9u * index + 3u * row;
  return vec3f(weight[first], weight[first + 1u], weight[first + 2u]);
}

/// A row times Gᵀ.
fn spread(row: vec3f) -> vec4f {
  let ends = 0.5 * (row.x + row.z);
  return vec4f(row.x, ends + 0.5 * row.y, ends - 0.5 * row.y, row.z);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.outputs * params.inputs) {
    return;
  }
  let first = row_at(index, 0u);
  let second = row_at(index, 1u);
  let third = row_at(index, 2u);
  let ends = 0.5 * (first + third);
  transformed[4u * index] = spread(first);
  transformed[4u * index + 1u] = spread(ends + 0.5 * second);
  transformed[4u * index + 2u] = spread(ends - 0.5 * second);
  transformed[4u * index + 3u] = spread(third);
}
