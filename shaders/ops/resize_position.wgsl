/// On an axis the source position of output cell d is (x d + y) / z, and w the number of source cells.
struct Params {
  count: u32,
  out_height: u32,
  out_width: u32,
  /// of rows and of columns
  axes: array<vec4i, 2>,
}
override LINEAR: bool = true;
/// 0: floor, 1: ceil, 2: the nearer one, at a tie the lower, 3: at a tie the higher
override NEAREST: u32 = 2;

@group(0) @binding(0) var<uniform> params: Params;

fn floor_divide(a: i32, b: i32) -> i32 {
  return a / b - select(0, 1, a % b < 0);
}

/// The two source cells that an output cell mixes, and the share of the second.
struct Position {
  low: i32,
  high: i32,
  share: f32,
}

/// In whole numbers, so that ties are ties.
fn position_of(axis: vec4i, cell: u32) -> Position {
  let numerator = axis.x * i32(cell) + axis.y;
  let last = axis.w - 1;
  if (LINEAR) {
    let low = floor_divide(numerator, axis.z);
    let share = f32(numerator - low * axis.z) / f32(axis.z);
    return Position(clamp(low, 0, last), clamp(low + 1, 0, last), share);
  }
  var taken = 0;
  switch (NEAREST) {
    case 0u: {
      taken = floor_divide(numerator, axis.z);
    }
    case 1u: {
      taken = -floor_divide(-numerator, axis.z);
    }
    case 2u: {
      taken = -floor_divide(axis.z - 2 * numerator, 2 * axis.z);
    }
    default: {
      taken = floor_divide(2 * numerator + axis.z, 2 * axis.z);
    }
  }
  let cell_taken = clamp(taken, 0, last);
  return Position(cell_taken, cell_taken, 0.0);
}
