// General instances (Dai et al., CVPR 2021), first pass, one invocation a location: the greatest difference of a class probability between
// teacher and student, and the box of the net that gives that class the higher one.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  classes: u32,
  bins: u32,
  levels: array<vec4u, 8>,
  student_class_layout: array<vec4u, 8>,
  teacher_class_layout: array<vec4u, 8>,
  student_box_layout: array<vec4u, 8>,
#include "../lib/teacher_edge_fields.wgsl"
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student_class: array<f32>;
@group(0) @binding(2) var<storage, read> teacher_class: array<f32>;
@group(0) @binding(3) var<storage, read> student_box: array<f32>;
@group(0) @binding(4) var<storage, read> teacher_box: array<f32>;
/// [B] width and height, pixels
@group(0) @binding(5) var<storage, read> image_sizes: array<vec2u>;
/// [locations]: the difference; -1 beyond the image, and on a level that is not taught
@group(0) @binding(6) var<storage, read_write> scores: array<f32>;
/// [locations] xyxy in units of the level's stride
@group(0) @binding(7) var<storage, read_write> boxes: array<vec4f>;
/// [locations]: 0; -1 beyond the image
@group(0) @binding(8) var<storage, read_write> mask: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/grid.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/bin_shares.wgsl"
#include "../lib/expected_value.wgsl"
#include "../lib/teacher_edges.wgsl"

fn sigmoid(x: f32) -> f32 {
  return 1.0 / (1.0 + exp(-x));
}

/// The difference teacher - student of greatest size, the first of equals.
fn greatest_difference(at: Location) -> f32 {
  let index = teacher_index(at.level, at.index);
  var greatest = 0.0;
  for (var c = 0u; c < params.classes; c++) {
    let student = student_class[strided(params.student_class_layout[at.level], at.image, c, at.index)];
    let teacher = teacher_class[strided(params.teacher_class_layout[at.level], at.image, c, index)];
    let difference = sigmoid(teacher) - sigmoid(student);
    if (abs(difference) > abs(greatest)) {
      greatest = difference;
    }
  }
  return greatest;
}

fn expected_edge(at: Location, edge: u32, of_teacher: bool) -> f32 {
  if (of_teacher && TEACHER_REBINNED) {
    return teacher_edge(at.level, at.image, at.index, edge);
  }
  let teacher_start = teacher_first(at.level, at.image, at.index, edge);
  var z: Bins;
  for (var k = 0u; k < BINS; k++) {
    if (of_teacher) {
      z[k] = teacher_box[teacher_start + k * params.teacher_box_layout[at.level].z];
    } else {
      z[k] = student_box[strided(params.student_box_layout[at.level], at.image, edge * BINS + k, at.index)];
    }
  }
  softmax_bins(&z, 1.0);
  return expected_value(&z);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  if (!is_valid(at.level, at.index, image_sizes[at.image])) {
    scores[location] = -1.0;
    boxes[location] = vec4f();
    mask[location] = -1.0;
    return;
  }
  mask[location] = 0.0;
  if (!is_taught(at.level)) {
    scores[location] = -1.0;
    boxes[location] = vec4f();
    return;
  }
  let difference = greatest_difference(at);
  var expected: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    expected[edge] = expected_edge(at, edge, difference >= 0.0);
  }
  let centre = anchor_centre(at.level, at.index) / f32(params.levels[at.level].w);
  scores[location] = abs(difference);
  boxes[location] = decode_box(expected, centre, 2.0 * params.half_side, BINS);
}
