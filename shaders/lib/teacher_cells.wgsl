// Where the teacher's outputs lie for a location of the student's. The teacher may have other strides and a larger image: then its
// cell is the one that contains the location in shares of the image. Tables are by the student's levels (src/regions/teacherHead.ts):
// `params` has levels: (start, height, width, stride), centre_offset: f32 (cells), and
//   teacher_cells: array<vec4f, 8>   (the teacher's cells in one of the student's, across and down; columns and rows of the
//                                     teacher's map, 0 where no level of the teacher's teaches this one).
// Layouts of the teacher's maps come by the student's levels, too: an entry says where the level that teaches it lies.

/// Whether any location lies in another cell of the teacher's, or a level has no teacher. Otherwise indices are the same for both.
override TEACHER_MAPPED: bool = false;

/// Keeps a quotient that is a whole number but for rounding in its cell.
const CELL_ROUNDING = 1e-4;

fn is_taught(level: u32) -> bool {
  return !TEACHER_MAPPED || params.teacher_cells[level].z > 0.0;
}

/// The student's location, in strides.
fn location_point(level: u32, index: u32) -> vec2f {
  let width = params.levels[level].z;
  let row = index / width;
  return vec2f(f32(index - row * width), f32(row)) + params.centre_offset;
}

/// Column and row of the teacher's cell that contains a point in the student's cells.
fn teacher_cell(level: u32, point: vec2f) -> vec2f {
  let map = params.teacher_cells[level];
  return clamp(floor(map.xy * point + CELL_ROUNDING), vec2f(), max(map.zw - 1.0, vec2f()));
}

/// Row-major index in the teacher's map for that in the student's.
fn teacher_index(level: u32, index: u32) -> u32 {
  if (!TEACHER_MAPPED) {
    return index;
  }
  let cell = teacher_cell(level, location_point(level, index));
  return u32(cell.y) * u32(params.teacher_cells[level].z) + u32(cell.x);
}
