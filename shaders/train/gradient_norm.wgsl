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

fn added(sum: vec2f, gradient: vec4f) -> vec2f {
  let is_bad = !(finite(gradient.x) && finite(gradient.y) && finite(gradient.z) && finite(gradient.w));
  return vec2f(sum.x + dot(gradient, gradient), select(sum.y, 1.0, is_bad));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var sum = vec2f();
  var i = id.x;
  // A GPU waits long for a read: eight are under way at once.
  while (i + 7u * params.lanes < params.count) {
    var some: array<vec4f, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      some[k] = gradients[i + k * params.lanes];
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      sum = added(sum, some[k]);
    }
    i += 8u * params.lanes;
  }
  for (; i < params.count; i += params.lanes) {
    sum = added(sum, gradients[i]);
  }
  partials[id.x] = sum;
}
