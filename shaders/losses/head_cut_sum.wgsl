// Gradients of the box branch's last layer: the blocks' sums of head_cut_weights_body.wgsl added up, in their order.

struct Params {
  batch: u32,
  which: u32,
  level_count: u32,
  outputs: u32,
  inputs: u32,
  /// blocks of a round
  blocks: u32,
  /// vec4 of a block's sums
  partial_size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
@group(0) @binding(2) var<storage, read> partial: array<f32>;
/// [outputs, inputs]
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;
/// [outputs]
@group(0) @binding(4) var<storage, read_write> bias: array<f32>;
/// [levels]
@group(0) @binding(5) var<storage, read_write> scales: array<f32>;

#include "../lib/index.wgsl"
#include "head_row.wgsl"
#include "head_counts.wgsl"

/// Rows of a block.
const BLOCK = 512u;

/// Over the blocks that had a row in the first round; no other was written.
fn total_of(element: u32) -> f32 {
  let blocks = min(params.blocks, (listed(params.which) + BLOCK - 1u) / BLOCK);
  var sum = 0.0;
  for (var block = 0u; block < blocks; block++) {
    sum += partial[4u * params.partial_size * block + element];
  }
  return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  let padded = 4u * ((params.inputs + 3u) / 4u);
  let biases = params.outputs * padded;
  if (index < biases) {
    let input = index % padded;
    if (input < params.inputs) {
      weight[index / padded * params.inputs + input] = total_of(index);
    }
  } else if (index < biases + params.outputs) {
    bias[index - biases] = total_of(index);
  } else if (index < biases + params.outputs + params.level_count) {
    scales[index - biases - params.outputs] = total_of(index);
  }
}
