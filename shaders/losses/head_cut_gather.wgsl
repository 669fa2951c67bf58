// Copies a net's features (or logits, where it gives these) of a round's rows into a matrix, and notes where the rows are.
// An invocation takes four rows and up to 64 channels: to find the rows takes as long as to copy a few.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  which: u32,
  start: u32,
  round: u32,
  channels: u32,
  /// vec4 of `matrix` where it begins
  first: u32,
  /// 1 for the student: places are its
  places: u32,
  levels: array<vec4u, 8>,
  source_layout: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<Row>;
/// of each row: level, first element of its channels, elements from one channel to the next
@group(0) @binding(4) var<storage, read_write> places: array<vec4u>;
@group(0) @binding(5) var<storage, read_write> matrix: array<vec4f>;

#include "../lib/layout.wgsl"
#include "head_row.wgsl"
#include "head_list.wgsl"
#include "head_cut_matrix.wgsl"

const CHANNELS = 64u;

/// Place of an entry of the list.
fn place(index: u32) -> vec4u {
  let found = find_entry(index, params.which);
  let at = place_of(rows[found.y * params.image_slots + found.x].location, found.y);
  let entry = params.source_layout[at.level];
  return vec4u(at.level, strided(entry, at.image, 0u, at.index), entry.z, 0u);
}

/// Four rows of so many in the round; those beyond the last one are at its place, and zero in the matrix.
fn gather(column: u32, count: u32, group: u32) {
  let last = count - 1u;
  let a = place(params.start + min(4u * column, last));
  let b = place(params.start + min(4u * column + 1u, last));
  let c = place(params.start + min(4u * column + 2u, last));
  let d = place(params.start + min(4u * column + 3u, last));
  if (params.places == 1u && group == 0u) {
    places[4u * column] = a;
    places[4u * column + 1u] = b;
    places[4u * column + 2u] = c;
    places[4u * column + 3u] = d;
  }
  let present = 4u * column + vec4u(0u, 1u, 2u, 3u) < vec4u(count);
  let step = vec4u(a.z, b.z, c.z, d.z);
  let first = group * CHANNELS;
  var at = vec4u(a.y, b.y, c.y, d.y) + first * step;
  var to = params.first + matrix_index(column, first, params.channels);
  for (var channel = first; channel < min(params.channels, first + CHANNELS); channel++) {
    matrix[to] = select(vec4f(), vec4f(source[at.x], source[at.y], source[at.z], source[at.w]), present);
    at += step;
    to += COLUMNS;
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let count = round_rows();
  // A block's columns without rows are written too, so that what adds up its rows adds zeros.
  let columns = COLUMNS * round_blocks();
  for (var column = workgroup.x * 64u + local; column < columns; column += workgroups.x * 64u) {
    gather(column, count, workgroup.y);
  }
}
