// Gradient of a resize: a source cell, one an invocation, gathers from the output cells that take part of it.
#include "resize_position.wgsl"
#include "../lib/index.wgsl"

@group(0) @binding(1) var<storage, read> incoming: array<Stored>;
@group(0) @binding(2) var<storage, read_write> gradient: array<Stored>;

/// The output cells (first, last + 1) with positions within one cell of a source cell; those beyond the ends count for the ends.
fn takers_of(axis: vec4i, cell: i32, cells: u32) -> vec2u {
  var first = 0;
  var end = i32(cells);
  if (axis.x > 0) {
    if (cell > 0) {
      first = floor_divide((cell - 1) * axis.z - axis.y, axis.x);
    }
    if (cell + 1 < axis.w) {
      end = floor_divide((cell + 1) * axis.z - axis.y, axis.x) + 2;
    }
  }
  return vec2u(clamp(vec2i(first, end), vec2i(), vec2i(i32(cells))));
}

/// The part that output cell `taker` takes of a source cell.
fn part_of(axis: vec4i, cell: i32, taker: u32) -> f32 {
  let position = position_of(axis, taker);
  return select(0.0, 1.0 - position.share, position.low == cell) + select(0.0, position.share, position.high == cell);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let height = u32(params.axes[0].w);
  let width = u32(params.axes[1].w);
  let column = i32(i % width);
  let row = i32((i / width) % height);
  let plane = i / (width * height) * params.out_height;
  let rows = takers_of(params.axes[0], row, params.out_height);
  let columns = takers_of(params.axes[1], column, params.out_width);
  var sum = 0.0;
  for (var y = rows.x; y < rows.y; y++) {
    let part = part_of(params.axes[0], row, y);
    if (part != 0.0) {
      for (var x = columns.x; x < columns.y; x++) {
        sum += part * part_of(params.axes[1], column, x) * f32(incoming[(plane + y) * params.out_width + x]);
      }
    }
  }
  gradient[i] = Stored(sum);
}
