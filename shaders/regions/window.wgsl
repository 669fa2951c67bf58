// Windows: the cells of a level that a box can matter to, so that time grows with the boxes and not with the map. They have room for rounding:
// what is in a window is still to be tested. Needs ../lib/grid.wgsl.

struct Window {
  /// first column and row
  first: vec2u,
  /// columns and rows
  size: vec2u,
}

/// First and last + 1 of the cells of a row or column whose anchors [low, high], in strides, covers by at least `share`; 1/2: those whose
/// centres lie between.
fn covering(low: f32, high: f32, share: f32, size: u32) -> vec2u {
  let half = params.half_side * (1.0 - 2.0 * share);
  let reach = vec2f(low - half, high + half) - params.centre_offset;
  let slack = 1e-3 + 1e-6 * max(abs(reach.x), abs(reach.y));
  let first = clamp(ceil(reach.x - slack), 0.0, f32(size));
  return vec2u(u32(first), u32(clamp(floor(reach.y + slack) + 1.0, first, f32(size))));
}

fn covering_window(level: u32, valid: vec2u, box: vec4f, share: vec2f) -> Window {
  let own = box / f32(params.levels[level].w);
  let columns = covering(own.x, own.z, share.x, valid.x);
  let rows = covering(own.y, own.w, share.y, valid.y);
  return Window(vec2u(columns.x, rows.x), vec2u(columns.y - columns.x, rows.y - rows.x));
}

/// Window of the valid cells whose anchor the box covers to at least `least`. Coverage is the product of the covered shares of width and
/// height, each at most box side / anchor side.
fn share_window(level: u32, valid: vec2u, box: vec4f, least: f32) -> Window {
  let most = min((box.zw - box.xy) / (2.0 * params.half_side * f32(params.levels[level].w)), vec2f(1.0));
  let window = covering_window(level, valid, box, min(least / max(most.yx, vec2f(1e-6)), vec2f(1.0)));
  return Window(window.first, select(vec2u(), window.size, most.x * most.y >= least));
}

/// Cell `i` of a window, row by row, without a division, which is slow on software adapters; exact below a million cells.
fn window_cell(window: Window, i: u32) -> vec2u {
  let row = u32((f32(i) + 0.5) * (1.0 / f32(max(window.size.x, 1u))));
  return window.first + vec2u(i - row * window.size.x, row);
}

/// Index of a cell's location in the order of a pyramid of one channel.
fn location_of(level: u32, image: u32, cell: vec2u) -> u32 {
  let entry = params.levels[level];
  return params.batch * entry.x + (image * entry.y + cell.y) * entry.z + cell.x;
}
