// The register tile of the convolution kernels: eight channels × four consecutive pixels. What counts on every adapter is
// how often a value that was read is used; an invocation holds several tiles that share the weights.
struct Tile {
  c0: vec4f,
  c1: vec4f,
  c2: vec4f,
  c3: vec4f,
  c4: vec4f,
  c5: vec4f,
  c6: vec4f,
  c7: vec4f,
}

/// One value for each of the eight channels.
struct Eight {
  low: vec4f,
  high: vec4f,
}

/// Every pixel of a channel starts from one value.
fn filled(values: Eight) -> Tile {
  return Tile(
    values.low.xxxx, values.low.yyyy, values.low.zzzz, values.low.wwww,
    values.high.xxxx, values.high.yyyy, values.high.zzzz, values.high.wwww,
  );
}

/// tile + weights ⊗ pixels: the channels' weights of one input and tap, and the four pixels that the tap meets.
fn multiply_add(tile: Tile, weights: Eight, pixels: vec4f) -> Tile {
  return Tile(
    fma(weights.low.xxxx, pixels, tile.c0),
    fma(weights.low.yyyy, pixels, tile.c1),
    fma(weights.low.zzzz, pixels, tile.c2),
    fma(weights.low.wwww, pixels, tile.c3),
    fma(weights.high.xxxx, pixels, tile.c4),
    fma(weights.high.yyyy, pixels, tile.c5),
    fma(weights.high.zzzz, pixels, tile.c6),
    fma(weights.high.wwww, pixels, tile.c7),
  );
}
