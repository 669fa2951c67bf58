// Needs ../regions/sample.wgsl and the binding `counts`: a row for each image of the step. Those of other processes that share the step
// follow the own ones.

/// Images of the step.
fn counted_images() -> u32 {
  return arrayLength(&counts) / COUNTS;
}
