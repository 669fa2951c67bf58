// total[i] = Σ_chunk partial[chunk, i], in the order of the chunks; with ADDS total[i] += that.
override ADDS: bool = false;

struct Params {
  count: u32,
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> total: array<f32>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  var sum = 0.0;
  var chunk = 0u;
  // A GPU waits long for a read: eight are under way at once.
  while (chunk + 7u < params.chunks) {
    var parts: array<f32, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      parts[k] = partial[(chunk + k) * params.count + index];
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      sum += parts[k];
    }
    chunk += 8u;
  }
  for (; chunk < params.chunks; chunk++) {
    sum += partial[chunk * params.count + index];
  }
  if (ADDS) {
    sum = total[index] + sum;
  }
  total[index] = sum;
}
