// Boxes that the student's distributions say (Generalized Focal Loss, eq. 6). The kernel binds `student_box` and includes
// ../lib/grid.wgsl, ../lib/layout.wgsl, ../lib/bin_values.wgsl and ../lib/box_parameters.wgsl; `params` has bins and box_layout.
// Loops over bins stay loops: they end at a uniform, for what a compiler unrolls takes it long.

/// Expected edge, in strides; of a head without distributions its distance.
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

/// xyxy pixels
fn student_box_at(level: u32, image: u32, index: u32) -> vec4f {
  let entry = params.box_layout[level];
  let stride = f32(params.levels[level].w);
  var expected: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    expected[edge] = expected_edge(strided(entry, image, edge * params.bins, index), entry.z);
  }
  return stride * decode_box(expected, anchor_centre(level, index) / stride, 2.0 * params.half_side, params.bins);
}
