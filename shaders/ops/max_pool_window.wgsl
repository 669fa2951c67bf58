/// Element of the greatest input of a window, the first in row-major order of equals.
fn greatest_of_window(plane: u32, row: u32, column: u32) -> u32 {
  let top = max(2u * row, 1u) - 1u;
  let left = max(2u * column, 1u) - 1u;
  var found = (plane * params.height + top) * params.width + left;
  for (var y = top; y < min(2u * row + 2u, params.height); y++) {
    for (var x = left; x < min(2u * column + 2u, params.width); x++) {
      let element = (plane * params.height + y) * params.width + x;
      if (input[element] > input[found]) {
        found = element;
      }
    }
  }
  return found;
}
