// Elements of maps that are not whole vec4. The kernel has `Stored`.
alias Element = f32;
alias StoredElement = Stored;
/// floats of an Element
const ELEMENT_SIZE = 1u;

#include "moments.wgsl"

fn sum_of(value: f32) -> f32 {
  return value;
}

/// Moments of `count` values from sums of distances from `origin`.
fn moments(count: f32, origin: f32, sum: f32, squares: f32) -> vec3f {
  if (count == 0.0) {
    return vec3f();
  }
  return vec3f(count, origin + sum / count, squares - sum * sum / count);
}
