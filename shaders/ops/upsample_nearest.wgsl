// Nearest neighbour: output row i takes input row floor(i · height / out_height), columns likewise.
struct Params {
  /// batch × channels × out_height × out_width
  count: u32,
  height: u32,
  width: u32,
  out_height: u32,
  out_width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read_write> output: array<Stored>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let row = (i / params.out_width) % params.out_height;
  let plane = i / (params.out_width * params.out_height);
  let source_row = row * params.height / params.out_height;
  let source_column = (i % params.out_width) * params.width / params.out_width;
  output[i] = input[(plane * params.height + source_row) * params.width + source_column];
}
