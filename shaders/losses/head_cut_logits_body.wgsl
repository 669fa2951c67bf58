// Logits of a round's rows, before the scale of their level: bias + weight · features.
// A workgroup takes twelve channels (y) of a net (z), block after block (x); an invocation two columns of a block.

struct Params {
  batch: u32,
  which: u32,
  start: u32,
  round: u32,
  /// channels of the logits
  outputs: u32,
  /// of each net that has a layer: channels of the features, first vec4 of their matrix, of the weights in `constants`, of the matrix of logits
  nets: array<vec4u, 2>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> constants: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
/// features
@group(0) @binding(3) var<storage, read> matrix: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> logits: array<vec4f>;

#include "head_row.wgsl"
#include "head_counts.wgsl"
#include "head_cut_product.wgsl"

fn store(values: vec4f, channel: u32, first: u32) {
  if (channel < params.outputs) {
    logits[first + channel * COLUMNS] = values;
  }
}

fn store_tile(t: Tile, channel: u32, first: u32) {
  store(t.c0, channel, first);
  store(t.c1, channel + 1u, first);
  store(t.c2, channel + 2u, first);
  store(t.c3, channel + 3u, first);
  store(t.c4, channel + 4u, first);
  store(t.c5, channel + 5u, first);
  store(t.c6, channel + 6u, first);
  store(t.c7, channel + 7u, first);
  store(t.c8, channel + 8u, first);
  store(t.c9, channel + 9u, first);
  store(t.c10, channel + 10u, first);
  store(t.c11, channel + 11u, first);
}

fn logits_of(workgroup: vec3u, workgroups: vec3u, local: u32, lane: u32) {
  let net = params.nets[workgroup.z];
  let column = 2u * local;
  let weights = net.z + workgroup.y * 3u * (net.x + 1u);
  for (var block = workgroup.x; block < round_blocks(); block += workgroups.x) {
    let tiles = product(weights, net.x, net.y + block * net.x * COLUMNS + column, lane);
    let first = net.w + block * params.outputs * COLUMNS + column;
    store_tile(tiles.x, 12u * workgroup.y, first);
    store_tile(tiles.y, 12u * workgroup.y, first + 1u);
  }
}
