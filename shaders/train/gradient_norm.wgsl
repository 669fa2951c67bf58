// First half of the global gradient norm: the sum of squares of each workgroup's share of the flat gradients.
struct Params {
  /// vec4 of the gradients
  count: u32,
  /// vec4 of each workgroup
  share: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// flat gradients; padding is zero
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
/// (sum of squares, number of invocations that met NaN or infinity) of each workgroup
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;

#include "finite.wgsl"
#include "sum_workgroup.wgsl"

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let first = workgroup.x * params.share;
  let end = min(first + params.share, params.count);
  var sum = 0.0;
  var bad = 0.0;
  for (var i = first + local; i < end; i += 256u) {
    let gradient = gradients[i];
    sum += dot(gradient, gradient);
    if (!(finite(gradient.x) && finite(gradient.y) && finite(gradient.z) && finite(gradient.w))) {
      bad = 1.0;
    }
  }
  let total = sum_workgroup(vec2f(sum, bad), local);
  if (local == 0u) {
    partials[workgroup.x] = total;
  }
}
