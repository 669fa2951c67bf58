// Elements of maps that are whole vec4. The kernel has `Stored4`.
alias Element = vec4f;
alias StoredElement = Stored4;
/// floats of an Element
const ELEMENT_SIZE = 4u;

#include "moments.wgsl"

fn sum_of(values: vec4f) -> f32 {
  return (values.x + values.y) + (values.z + values.w);
}

/// Moments of `count` vec4s from sums of distances from `origin`, component by component.
fn moments(count: f32, origin: vec4f, sum: vec4f, squares: vec4f) -> vec3f {
  if (count == 0.0) {
    return vec3f();
  }
  let means = origin + sum / count;
  let spreads = squares - sum * sum / count;
  let low = merge(vec3f(count, means.x, spreads.x), vec3f(count, means.y, spreads.y));
  return merge(low, merge(vec3f(count, means.z, spreads.z), vec3f(count, means.w, spreads.w)));
}
