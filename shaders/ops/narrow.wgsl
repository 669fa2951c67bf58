// stored = values, four elements an invocation. Beyond the largest half, 65504, a value of f16 becomes infinite or, where the adapter
// rounds towards 0, that.
struct Params {
  /// number of vec4
  count: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> stored: array<Stored4>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i < params.count) {
    stored[i] = Stored4(values[i]);
  }
}
