// For levels whose maps are not whole vec4.
alias Element = f32;
alias StoredElement = Stored;
const ELEMENT_SIZE = 1u;

fn sum_of(value: f32) -> f32 {
  return value;
}

#include "group_norm_gradient_body.wgsl"
