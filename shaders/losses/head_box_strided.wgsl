// The box losses of all listed rows, of logits that lie anyhow; see head_box_rows.wgsl.

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> truth: array<vec4f>;
@group(0) @binding(4) var<storage, read> counts: array<f32>;
@group(0) @binding(5) var<storage, read> rows: array<Row>;
/// of head_class.wgsl: the scores are its fourth quantity
@group(0) @binding(6) var<storage, read> class_partials: array<vec2u>;
/// laid out as the student's logits
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
/// of each row ROW_WORDS: coded losses (head_coded.wgsl) of box, DFL, LD main, LD VLR, level; from quad_partials on of each quad
/// QUAD_WORDS: coded loss of LD VLR, level
@group(0) @binding(8) var<storage, read_write> partials: array<u32>;

#include "head_box_rows.wgsl"

fn student_at(element: u32) -> f32 {
  return student[element];
}

fn teacher_at(element: u32) -> f32 {
  return teacher[element];
}

fn set_gradient(element: u32, slope: f32) {
  gradient[element] = slope;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let step = ROWS * workgroups.x * workgroups.y;
  let row_count = listed(COUNT_ROWS);
  for (var index = linear_index(workgroup, workgroups, local, ROWS); index < row_count; index += step) {
    do_row(index);
  }
}
