// What one invocation of a convolution computes: four channels × eight consecutive pixels. Large enough that a value read
// is used many times, small enough for the registers. (On software adapters a load costs as much as a hundred additions.)
struct Tile {
  low0: vec4f,
  high0: vec4f,
  low1: vec4f,
  high1: vec4f,
  low2: vec4f,
  high2: vec4f,
  low3: vec4f,
  high3: vec4f,
}

/// Every pixel of a channel starts from one value.
fn filled(values: vec4f) -> Tile {
  let a = vec4f(values.x);
  let b = vec4f(values.y);
  let c = vec4f(values.z);
  let d = vec4f(values.w);
  return Tile(a, a, b, b, c, c, d, d);
}

/// tile + weight ⊗ pixels: the weights of the four channels for one input and tap, and the eight pixels it meets.
fn multiply_add(tile: Tile, weight: vec4f, low: vec4f, high: vec4f) -> Tile {
  let a = vec4f(weight.x);
  let b = vec4f(weight.y);
  let c = vec4f(weight.z);
  let d = vec4f(weight.w);
  return Tile(
    fma(a, low, tile.low0),
    fma(a, high, tile.high0),
    fma(b, low, tile.low1),
    fma(b, high, tile.high1),
    fma(c, low, tile.low2),
    fma(c, high, tile.high2),
    fma(d, low, tile.low3),
    fma(d, high, tile.high3),
  );
}
