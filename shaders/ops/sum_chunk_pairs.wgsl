// sum_chunks.wgsl of two partials of one size.
override ADDS: bool = false;

struct Params {
  count: u32,
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> first_partial: array<f32>;
@group(0) @binding(2) var<storage, read> second_partial: array<f32>;
@group(0) @binding(3) var<storage, read_write> first_total: array<f32>;
@group(0) @binding(4) var<storage, read_write> second_total: array<f32>;

#include "../lib/index.wgsl"

fn pair_at(chunk: u32, index: u32) -> vec2f {
  let at = chunk * params.count + index;
  return vec2f(first_partial[at], second_partial[at]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  var sums = vec2f();
  var chunk = 0u;
  // A GPU waits long for a read: eight are under way at once.
  while (chunk + 7u < params.chunks) {
    var parts: array<vec2f, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      parts[k] = pair_at(chunk + k, index);
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      sums += parts[k];
    }
    chunk += 8u;
  }
  for (; chunk < params.chunks; chunk++) {
    sums += pair_at(chunk, index);
  }
  if (ADDS) {
    sums = vec2f(first_total[index], second_total[index]) + sums;
  }
  first_total[index] = sums.x;
  second_total[index] = sums.y;
}
