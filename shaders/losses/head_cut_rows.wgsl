// The box losses of a round's rows (see head_box_losses.wgsl) from their logits before the scale of their level, and the slopes:
// the gradient with respect to these logits.

struct Params {
#include "head_box_fields.wgsl"
  which: u32,
  start: u32,
  round: u32,
  /// elements of a net's matrix of logits; the teacher's follows the student's
  matrix_size: u32,
  /// vec4 of `constants` where the scales and the true boxes begin
  scales: u32,
  boxes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
/// of student and teacher, see head_cut_matrix.wgsl
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// see head_cut_pack.wgsl
@group(0) @binding(2) var<storage, read> constants: array<vec4f>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read> rows: array<Row>;
/// of head_class.wgsl: the scores are its fourth quantity
@group(0) @binding(5) var<storage, read> class_partials: array<vec2u>;
/// Matrix like the logits of a net; then of each row Σ slope · logit before its scale, the gradient of its level's scale.
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>;
/// of each listed row ROW_WORDS: coded losses (head_coded.wgsl) of box, DFL, LD main, LD VLR, level
@group(0) @binding(7) var<storage, read_write> partials: array<u32>;

#include "head_box_losses.wgsl"
#include "head_cut_matrix.wgsl"
#include "head_cut_scale.wgsl"

const ROW_WORDS = 5u;

/// Of the row that the invocation is at.
var<private> student_scale: f32;
var<private> teacher_scale: f32;
var<private> scale_gradient: f32;
var<private> has_slopes: bool;

fn true_box(index: u32) -> vec4f {
  return constants[params.boxes + index];
}

fn student_at(element: u32) -> f32 {
  return student_scale * logits[element];
}

fn teacher_at(element: u32) -> f32 {
  return teacher_scale * logits[params.matrix_size + element];
}

fn set_gradient(element: u32, slope: f32) {
  has_slopes = true;
  scale_gradient += slope * logits[element];
  slopes[element] = student_scale * slope;
}

fn clear_slopes(line: Line) {
  for (var c = 0u; c < 4u * BINS; c++) {
    slopes[line.first + c * line.step] = 0.0;
  }
}

fn line_of(row: u32) -> Line {
  return Line(row / BLOCK * 4u * BINS * BLOCK + row % BLOCK, BLOCK);
}

/// Row `row` of the round.
fn do_row(row: u32) {
  let line = line_of(row);
  let found = find_entry(params.start + row, params.which);
  let listed_row = rows[found.y * params.image_slots + found.x];
  let at = place_of(listed_row.location, found.y);
  has_slopes = false;
  scale_gradient = 0.0;
  student_scale = scale_of(params.scales, at.level);
  teacher_scale = scale_of(params.scales + 2u, at.level);
  let losses = row_terms(at, listed_row, factors_of(), line, line);
  let entry = ROW_WORDS * (params.start + row);
  for (var i = 0u; i < 4u; i++) {
    partials[entry + i] = coded(losses[i], listed_row.location);
  }
  partials[entry + 4u] = at.level;
  if (!has_slopes) {
    clear_slopes(line);
  }
  slopes[params.matrix_size + row] = scale_gradient;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let count = round_rows();
  let first = workgroup.x * ROWS + local;
  for (var row = first; row < count; row += workgroups.x * ROWS) {
    do_row(row);
  }
  // What adds up a block's rows adds zeros where there is none.
  for (var row = count + first; row < round_blocks() * BLOCK; row += workgroups.x * ROWS) {
    clear_slopes(line_of(row));
  }
}
