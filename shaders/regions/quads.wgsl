// Four neighbouring locations at once: an invocation takes cells `cell` to `cell + 3` of a level of an image, of which a level's last may
// not exist. `params` has batch, level_count, centre_offset and levels.

struct Quad {
  level: u32,
  image: u32,
  /// row-major index of the first in the level's map
  cell: u32,
  /// how many exist; 0 beyond the last quad
  count: u32,
}

fn quad_of(index: u32) -> Quad {
  var rest = index;
  for (var level = 0u; level < params.level_count; level++) {
    let area = params.levels[level].y * params.levels[level].z;
    let quads = (area + 3u) / 4u;
    if (rest < params.batch * quads) {
      let image = rest / quads;
      let cell = 4u * (rest - image * quads);
      return Quad(level, image, cell, min(area - cell, 4u));
    }
    rest -= params.batch * quads;
  }
  return Quad();
}

/// Of its first cell, in the order of a pyramid of one channel.
fn quad_location(at: Quad) -> u32 {
  let entry = params.levels[at.level];
  return params.batch * entry.x + at.image * entry.y * entry.z + at.cell;
}

struct QuadCells {
  columns: vec4u,
  rows: vec4u,
}

fn quad_cells(at: Quad) -> QuadCells {
  let width = params.levels[at.level].z;
  let cells = at.cell + vec4u(0u, 1u, 2u, 3u);
  let rows = cells / width;
  return QuadCells(cells - rows * width, rows);
}

fn quad_valid(at: Quad, cells: QuadCells, image_size: vec2u) -> vec4<bool> {
  let valid = valid_cells(at.level, image_size);
  return (vec4u(0u, 1u, 2u, 3u) < vec4u(at.count)) & (cells.columns < vec4u(valid.x)) & (cells.rows < vec4u(valid.y));
}

/// In pixels.
struct QuadCentres {
  x: vec4f,
  y: vec4f,
}

fn quad_centres(at: Quad, cells: QuadCells) -> QuadCentres {
  let stride = f32(params.levels[at.level].w);
  return QuadCentres((vec4f(cells.columns) + params.centre_offset) * stride, (vec4f(cells.rows) + params.centre_offset) * stride);
}

/// The smallest distance of each centre to the edges of a box.
fn quad_margins(centres: QuadCentres, box: vec4f) -> vec4f {
  return min(min(centres.x - box.x, box.z - centres.x), min(centres.y - box.y, box.w - centres.y));
}
