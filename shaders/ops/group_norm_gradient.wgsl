// For levels whose maps are whole vec4.
alias Element = vec4f;
alias StoredElement = Stored4;
const ELEMENT_SIZE = 4u;

fn sum_of(values: vec4f) -> f32 {
  return (values.x + values.y) + (values.z + values.w);
}

#include "group_norm_gradient_body.wgsl"
