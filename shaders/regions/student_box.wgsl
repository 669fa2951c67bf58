// Boxes from the student's distributions. The kernel binds `student_box` and includes ../lib/grid.wgsl, ../lib/layout.wgsl,
// ../lib/bin_values.wgsl and ../lib/box_parameters.wgsl; `params` has bins, half_side and box_layout.

#include "../lib/student_edge.wgsl"

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
