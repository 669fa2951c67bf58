// output[first_out + Σ index_d · out_step_d] = scale · input[first_in + Σ index_d · in_step_d] for each index below the extents.
// The including file declares Element, in which all numbers count, and Wide, it in f32.
struct Params {
  /// product of the extents
  count: u32,
  first_in: i32,
  first_out: i32,
  scale: f32,
  /// up to six dimensions, outermost first
  extents: array<vec4u, 2>,
  in_steps: array<vec4i, 2>,
  out_steps: array<vec4i, 2>,
}
override DIMENSIONS: u32 = 6;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Element>;
@group(0) @binding(2) var<storage, read_write> output: array<Element>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  var left = i;
  var at = params.first_in;
  var to = params.first_out;
  for (var d = DIMENSIONS - 1u; d > 0u; d--) {
    let extent = params.extents[d / 4u][d % 4u];
    let index = i32(left % extent);
    left /= extent;
    at += index * params.in_steps[d / 4u][d % 4u];
    to += index * params.out_steps[d / 4u][d % 4u];
  }
  at += i32(left) * params.in_steps[0].x;
  to += i32(left) * params.out_steps[0].x;
  output[to] = Element(params.scale * Wide(input[at]));
}
