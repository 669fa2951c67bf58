// gradient *= incoming, in place, four elements an invocation: backward of every loss whose forward pass wrote its gradient.
// ROW_LENGTH 0: one incoming scalar; otherwise one element for each row of ROW_LENGTH elements.
struct Params {
  /// number of vec4
  count: u32,
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> incoming: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<vec4f>;

override ROW_LENGTH: u32 = 0u;

#include "../lib/index.wgsl"

/// Padding of the last vec4 counts for the last row.
fn incoming_at(element: u32) -> f32 {
  return incoming[min(element / max(ROW_LENGTH, 1u), params.rows - 1u)];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  if (ROW_LENGTH == 0u) {
    gradient[i] *= incoming[0];
  } else {
    let first = 4u * i;
    gradient[i] *= vec4f(incoming_at(first), incoming_at(first + 1u), incoming_at(first + 2u), incoming_at(first + 3u));
  }
}
