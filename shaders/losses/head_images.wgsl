// Needs ../regions/sample.wgsl and the binding `counts`: a row for each image of the step, those of other processes last.

fn counted_images() -> u32 {
  return arrayLength(&counts) / COUNTS;
}
