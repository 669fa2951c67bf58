// The product of packed weights (head_cut_pack.wgsl) and a matrix of rows. The kernel binds `constants` and `matrix`.

#include "head_cut_tile.wgsl"
#include "head_cut_matrix.wgsl"

/// bias + weights · inputs of twelve channels and two columns. In the order of a convolution, so that logits are its.
fn product(weights: u32, inputs: u32, first: u32, lane: u32) -> Tiles {
  let bias = filled(read_weights(weights + 3u * inputs, lane));
  var tiles = Tiles(bias, bias);
  for (var i = 0u; i < inputs; i++) {
    let at = first + i * COLUMNS;
    tiles = multiply_add(tiles, read_weights(weights + 3u * i, lane), matrix[at], matrix[at + 1u]);
  }
  return tiles;
}
