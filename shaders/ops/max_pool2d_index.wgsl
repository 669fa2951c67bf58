// The element of the input that is the maximum of a window.
alias Result = u32;

#include "max_pool2d_body.wgsl"

fn result_of(greatest: f32, element: u32) -> Result {
  return element;
}
