// Maximum over windows.
alias Result = Stored;

#include "max_pool2d_body.wgsl"

fn result_of(greatest: f32, element: u32) -> Result {
  return Result(greatest);
}
