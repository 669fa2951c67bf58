// Needs the binding `student_box` and bin_values.wgsl; `params` has bins.

/// Expected edge of the student, in strides (Generalized Focal Loss, eq. 6); of a head without distributions its distance. The loops
/// end at a uniform: unrolled, they take long to compile.
fn expected_edge(first: u32, step: u32) -> f32 {
  if (params.bins == 1u) {
    return student_box[first];
  }
  var highest = -3.0e38;
  for (var k = 0u; k < params.bins; k++) {
    highest = max(highest, student_box[first + k * step]);
  }
  var sum = 0.0;
  var moment = 0.0;
  for (var k = 0u; k < params.bins; k++) {
    let power = exp(student_box[first + k * step] - highest);
    sum += power;
    moment += value_of(k) * power;
  }
  return moment / sum;
}
