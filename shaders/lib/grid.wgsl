// Anchors and valid cells of a grid. The kernel's uniform `params` has the fields of `gridParams` in src/regions/grid.ts:
//   batch: u32, level_count: u32, half_side: f32 (strides), centre_offset: f32 (cells),
//   levels: array<vec4u, 8>   each level (start, height, width, stride in pixels).

/// Centre of the anchor of a cell (row-major index in its level), pixels.
fn anchor_centre(level: u32, index: u32) -> vec2f {
  let width = params.levels[level].z;
  return anchor_centre_at(level, vec2u(index % width, index / width));
}

/// By (column, row): without a division.
fn anchor_centre_at(level: u32, cell: vec2u) -> vec2f {
  return (vec2f(cell) + params.centre_offset) * f32(params.levels[level].w);
}

/// Anchor of a cell, xyxy pixels.
fn anchor_box(level: u32, index: u32) -> vec4f {
  let width = params.levels[level].z;
  return anchor_box_at(level, vec2u(index % width, index / width));
}

fn anchor_box_at(level: u32, cell: vec2u) -> vec4f {
  let centre = anchor_centre_at(level, cell);
  let half_side = params.half_side * f32(params.levels[level].w);
  return vec4f(centre - half_side, centre + half_side);
}

/// Columns and rows of a level that an image of this size (width, height in pixels) covers.
fn valid_cells(level: u32, image_size: vec2u) -> vec2u {
  let entry = params.levels[level];
  return min(entry.zy, (image_size + entry.w - 1u) / entry.w);
}

fn is_valid(level: u32, index: u32, image_size: vec2u) -> bool {
  let width = params.levels[level].z;
  return all(vec2u(index % width, index / width) < valid_cells(level, image_size));
}
