// What the bins of the student's edges stand for, in strides: a table of increasing values; without TABLE bin k stands for k, and the table
// is not read. `params` has projection: array<vec4f, 16>.
override TABLE: bool = false;

fn value_of(k: u32) -> f32 {
  if (TABLE) {
    return params.projection[k / 4u][k % 4u];
  }
  return f32(k);
}
