// The losses of the listed rows, see head_box_losses.wgsl, an invocation a row.
// The kernel that includes this has the bindings and student_at, teacher_at and set_gradient, which take an element.

struct Params {
  batch: u32,
  level_count: u32,
  /// entries of `rows` of an image, and which is the first quad
  image_slots: u32,
  image_rows: u32,
  /// what head_class.wgsl went over: its workgroups hold the scores
  scored: u32,
  temperature: f32,
  /// DFL targets end this many bins before the last
  margin: f32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// 0 weights, 1 positives, 2 none; for the boxes and DFL
  box_normaliser: u32,
  /// 0 reference, 1 weights, 2 none
  ld_normaliser: u32,
  box_weight: f32,
  dfl_weight: f32,
  ld_weight: f32,
  ld_vlr_weight: f32,
  /// where the losses of the quads begin
  quad_partials: u32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
}
const ROW_WORDS = 5u;
const QUAD_WORDS = 2u;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "head_box_losses.wgsl"

fn true_box(index: u32) -> vec4f {
  return truth[index];
}

/// One row; writes its four losses and its level.
fn do_row(index: u32) {
  let found = find_entry(index, COUNT_ROWS);
  let row = rows[found.y * params.image_slots + found.x];
  let at = place_of(row.location, found.y);
  let student_entry = params.student_layout[at.level];
  let teacher_entry = params.teacher_layout[at.level];
  let line = Line(strided(student_entry, at.image, 0u, at.index), student_entry.z);
  let teacher_line = Line(strided(teacher_entry, at.image, 0u, at.index), teacher_entry.z);
  let losses = row_terms(at, row, factors_of(), line, teacher_line);
  let entry = ROW_WORDS * index;
  for (var i = 0u; i < 4u; i++) {
    partials[entry + i] = coded(losses[i], row.location);
  }
  partials[entry + 4u] = at.level;
}
