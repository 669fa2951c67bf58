// For levels whose maps are not whole vec4.
alias Element = f32;
alias StoredElement = Stored;

/// Moments of `count` values from sums of distances from `origin`.
fn moments(count: f32, origin: f32, sum: f32, squares: f32) -> vec3f {
  if (count == 0.0) {
    return vec3f();
  }
  return vec3f(count, origin + sum / count, squares - sum * sum / count);
}

#include "group_norm_body.wgsl"
