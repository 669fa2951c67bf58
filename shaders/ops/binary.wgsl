// output = form(left, right) with broadcasting, the form being a file of shaders/ops/binary. A step of 0 repeats.
// `Left`, `Right` and `Stored` are the types of the elements: binary_alike.wgsl and its neighbours.
struct Params {
  /// elements of the output
  count: u32,
  /// up to six dimensions, outermost first
  extents: array<vec4u, 2>,
  left_steps: array<vec4u, 2>,
  right_steps: array<vec4u, 2>,
}
override DIMENSIONS: u32 = 6;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left_values: array<Left>;
@group(0) @binding(2) var<storage, read> right_values: array<Right>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  var rest = i;
  var left = 0u;
  var right = 0u;
  for (var d = DIMENSIONS - 1u; d > 0u; d--) {
    let extent = params.extents[d / 4u][d % 4u];
    let index = rest % extent;
    rest /= extent;
    left += index * params.left_steps[d / 4u][d % 4u];
    right += index * params.right_steps[d / 4u][d % 4u];
  }
  left += rest * params.left_steps[0].x;
  right += rest * params.right_steps[0].x;
  output[i] = Stored(binary(f32(left_values[left]), f32(right_values[right])));
}
