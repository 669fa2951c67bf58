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

alias Sum = f32;

fn part_at(chunk: u32, index: u32) -> Sum {
  return partial[chunk * params.count + index];
}

#include "chunk_sum.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  var sum = chunk_sum(index);
  if (ADDS) {
    sum = total[index] + sum;
  }
  total[index] = sum;
}
