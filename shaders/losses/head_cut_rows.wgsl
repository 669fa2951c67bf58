// The box losses of a round's rows (see head_positive.wgsl and head_ld.wgsl) from their logits before the scale of their level, and
// the slopes: the gradient with respect to these logits.

struct Params {
#include "head_positive_fields.wgsl"
  which: u32,
  start: u32,
  round: u32,
  /// elements of a net's matrix of logits; the teacher's follows the student's
  matrix_size: u32,
  /// vec4 of `constants` where the scales and the true boxes begin
  scales: u32,
  boxes: u32,
}

/// Whether the round has rows that are no positives.
override LISTS_VLR: bool = true;

@group(0) @binding(0) var<uniform> params: Params;
/// of student and teacher, see head_cut_matrix.wgsl
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// see head_cut_pack.wgsl
@group(0) @binding(2) var<storage, read> constants: array<vec4f>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<Row>;
/// of head_factors.wgsl
@group(0) @binding(5) var<storage, read> factors: array<f32>;
/// Matrix like the logits of a net; then of each row Σ slope · logit before its scale, the gradient of its level's scale.
@group(0) @binding(6) var<storage, read_write> slopes: array<f32>;
/// see head_records.wgsl; expected edges are known
@group(0) @binding(7) var<storage, read_write> records: array<u32>;

#include "head_row.wgsl"
#include "head_share.wgsl"
#include "head_list.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"
#include "head_positive.wgsl"
#include "head_ld.wgsl"
#include "head_cut_matrix.wgsl"
#include "head_cut_scale.wgsl"

/// Of the row that the invocation is at.
var<private> student_scale: f32;
var<private> teacher_scale: f32;
var<private> scale_gradient: f32;

fn student_at(element: u32) -> f32 {
  return student_scale * logits[element];
}

fn teacher_at(element: u32) -> f32 {
  return teacher_scale * logits[params.matrix_size + element];
}

fn set_gradient(element: u32, slope: f32) {
  scale_gradient += slope * logits[element];
  slopes[element] = student_scale * slope;
}

fn line_of(row: u32) -> Line {
  return Line(row / BLOCK * 4u * params.bins * BLOCK + row % BLOCK, BLOCK);
}

/// Row `row` of the round.
fn do_row(row: u32) {
  let line = line_of(row);
  let found = find_entry(params.start + row, params.which);
  let slot = found.y * params.image_slots + found.x;
  let listed_row = rows[slot];
  let at = place_of(listed_row.location, found.y);
  scale_gradient = 0.0;
  student_scale = scale_of(params.scales, at.level);
  teacher_scale = scale_of(params.scales + 2u, at.level);
  if (is_positive(listed_row)) {
    let box = constants[params.boxes + (listed_row.assigned >> 16u)] / f32(params.levels[at.level].w);
    do_positive(listed_row, at, box, RECORD * (count_before(found.y, COUNT_POSITIVES) + found.x), line, line);
  } else if (LISTS_VLR) {
    rows[slot].assigned = coded(ld_terms(line, line, factors[3] * listed_row.vlr), listed_row.location);
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
    let line = line_of(row);
    for (var c = 0u; c < 4u * params.bins; c++) {
      slopes[line.first + c * line.step] = 0.0;
    }
  }
}
