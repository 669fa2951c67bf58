// Copies maps so that every row starts at a multiple of four elements and has a border of zeros: the convolutions then read four elements at
// once and test no bounds. An invocation makes TURNS neighbouring vec4, since the divisions for a position are dear on software adapters.
struct Params {
  /// of TURNS vec4, all levels
  groups: u32,
  level_count: u32,
  /// zeros above and to the left of the map
  border: u32,
  /// three entries a level: (first vec4 of the copy, its rows, its vec4 a row, its vec4), (first element of the map, height, width, 0),
  /// (first group, 0, 0, 0)
  levels: array<vec4u, 24>,
}
const TURNS = 4u;
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> maps: array<Stored>;
@group(0) @binding(2) var<storage, read_write> aligned: array<Stored4>;

#include "../lib/index.wgsl"

/// The map's value at a column of the copy. Unsigned: a column left of the map wraps round to a number beyond it.
fn pixel(row: u32, column: u32, width: u32) -> f32 {
  let x = column - params.border;
  return select(0.0, f32(maps[row + min(x, width - 1u)]), x < width);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = linear_index(workgroup, workgroups, local, 64u);
  if (group >= params.groups) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[3u * level + 5u].x) {
    level++;
  }
  let to = params.levels[3u * level];
  let source = params.levels[3u * level + 1u];
  let first = TURNS * (group - params.levels[3u * level + 2u].x);
  let last = min(first + TURNS, to.w);
  let line = first / to.z;
  var column = first - line * to.z;
  var plane = line / to.y;
  var y = line - plane * to.y;
  for (var index = first; index < last; index++) {
    let row = y - params.border;
    var pixels = vec4f();
    if (row < source.y) {
      let start = source.x + (plane * source.y + row) * source.z;
      pixels = vec4f(
        pixel(start, 4u * column, source.z),
        pixel(start, 4u * column + 1u, source.z),
        pixel(start, 4u * column + 2u, source.z),
        pixel(start, 4u * column + 3u, source.z),
      );
    }
    aligned[to.x + index] = Stored4(pixels);
    column++;
    if (column == to.z) {
      column = 0u;
      y++;
    }
    if (y == to.y) {
      y = 0u;
      plane++;
    }
  }
}
