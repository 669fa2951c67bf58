// First half of the global gradient norm: the sum of squares of each invocation's share of the flat gradients. Every invocation
// writes its own: a barrier would cost software adapters more than adding so many numbers later (clip.wgsl).
struct Params {
  /// vec4 of the gradients
  count: u32,
  /// invocations
  lanes: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// flat gradients; padding is zero
@group(0) @binding(1) var<storage, read> gradients: array<vec4f>;
/// (sum of squares, 1 where it met NaN or infinity) of each invocation
@group(0) @binding(2) var<storage, read_write> partials: array<vec2f>;

#include "finite.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = 0.0;
  var bad = 0.0;
  for (var i = id.x; i < params.count; i += params.lanes) {
    let gradient = gradients[i];
    sum += dot(gradient, gradient);
    if (!(finite(gradient.x) && finite(gradient.y) && finite(gradient.z) && finite(gradient.w))) {
      bad = 1.0;
    }
  }
  partials[id.x] = vec2f(sum, bad);
}
