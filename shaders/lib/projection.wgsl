// What the bins of an edge stand for: a table of increasing values, the binding `projection` of BINS elements; without TABLE bin k
// stands for k, and the binding is not read.
override TABLE: bool = false;

fn value_of(k: u32) -> f32 {
  if (TABLE) {
    return projection[k];
  }
  return f32(k);
}
