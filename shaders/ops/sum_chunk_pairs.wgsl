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

alias Sum = vec2f;

fn part_at(chunk: u32, index: u32) -> Sum {
  let at = chunk * params.count + index;
  return vec2f(first_partial[at], second_partial[at]);
}

#include "chunk_sum.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = linear_index(workgroup, workgroups, local, 64u);
  if (index >= params.count) {
    return;
  }
  var sums = chunk_sum(index);
  if (ADDS) {
    sums = vec2f(first_total[index], second_total[index]) + sums;
  }
  first_total[index] = sums.x;
  second_total[index] = sums.y;
}
