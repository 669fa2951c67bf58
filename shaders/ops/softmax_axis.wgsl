// Softmax along one dimension; an invocation a row.
struct Params {
  /// rows
  count: u32,
  /// entries of a row
  extent: u32,
  /// elements from one entry to the next
  step: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let first = i / params.step * params.step * params.extent + i % params.step;
  let end = first + params.extent * params.step;
  var highest = input[first];
  for (var at = first; at < end; at += params.step) {
    highest = max(highest, input[at]);
  }
  var sum = 0.0;
  for (var at = first; at < end; at += params.step) {
    sum += exp(input[at] - highest);
  }
  for (var at = first; at < end; at += params.step) {
    output[at] = exp(input[at] - highest) / sum;
  }
}
