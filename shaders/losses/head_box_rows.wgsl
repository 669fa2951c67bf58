// The losses of the listed rows, see head_box_losses.wgsl, an invocation a row.
// The kernel that includes this has the bindings and student_at, teacher_at and set_gradient, which take an element.

struct Params {
#include "head_box_fields.wgsl"
  /// entry of an image's `rows` that is its first quad
  image_rows: u32,
  /// where the losses of the quads begin
  quad_partials: u32,
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
