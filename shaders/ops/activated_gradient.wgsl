// Gradient of activated.wgsl, by its result: incoming, times slope where the result is not above 0, and 0 at the limit. Four elements an
// invocation.
struct Params {
  /// number of vec4
  count: u32,
  slope: f32,
  limit: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> result: array<Stored4>;
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> gradient: array<Stored4>;

#include "../lib/index.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let own = vec4f(result[i]);
  let arrived = vec4f(incoming[i]);
  let passed = select(params.slope * arrived, arrived, own > vec4f());
  gradient[i] = Stored4(select(passed, vec4f(), own >= vec4f(params.limit)));
}
