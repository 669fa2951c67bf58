// Gradient with respect to the features of a round's rows: transposed weight · slopes, or the slopes themselves where logits are
// given. Each location is listed once, so nothing else writes there.
// A workgroup takes twelve channels (y), block after block (x); an invocation two columns of a block.

struct Params {
  batch: u32,
  which: u32,
  start: u32,
  round: u32,
  /// channels of the slopes
  outputs: u32,
  /// channels of the features; 0 where logits are given
  inputs: u32,
  /// vec4 of `constants` where the transposed weight begins
  transposed: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> constants: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
/// of head_cut_gather.wgsl
@group(0) @binding(3) var<storage, read> places: array<vec4u>;
/// slopes
@group(0) @binding(4) var<storage, read> matrix: array<vec4f>;
/// laid out as the student's features
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;

#include "head_row.wgsl"
#include "head_counts.wgsl"
#include "head_cut_product.wgsl"

/// Where four rows are.
struct Four {
  first: vec4u,
  step: vec4u,
  count: u32,
}

fn four_rows(column: u32, rows: u32) -> Four {
  let a = places[4u * column];
  let b = places[4u * column + 1u];
  let c = places[4u * column + 2u];
  let d = places[4u * column + 3u];
  return Four(vec4u(a.y, b.y, c.y, d.y), vec4u(a.z, b.z, c.z, d.z), rows - min(4u * column, rows));
}

fn scatter(values: vec4f, four: Four, channel: u32, channels: u32) {
  if (channel < channels) {
    let at = four.first + channel * four.step;
    if (four.count > 0u) { gradient[at.x] = values.x; }
    if (four.count > 1u) { gradient[at.y] = values.y; }
    if (four.count > 2u) { gradient[at.z] = values.z; }
    if (four.count > 3u) { gradient[at.w] = values.w; }
  }
}

fn scatter_tile(t: Tile, four: Four, channel: u32) {
  scatter(t.c0, four, channel, params.inputs);
  scatter(t.c1, four, channel + 1u, params.inputs);
  scatter(t.c2, four, channel + 2u, params.inputs);
  scatter(t.c3, four, channel + 3u, params.inputs);
  scatter(t.c4, four, channel + 4u, params.inputs);
  scatter(t.c5, four, channel + 5u, params.inputs);
  scatter(t.c6, four, channel + 6u, params.inputs);
  scatter(t.c7, four, channel + 7u, params.inputs);
  scatter(t.c8, four, channel + 8u, params.inputs);
  scatter(t.c9, four, channel + 9u, params.inputs);
  scatter(t.c10, four, channel + 10u, params.inputs);
  scatter(t.c11, four, channel + 11u, params.inputs);
}

fn feature_gradient(workgroup: vec3u, workgroups: vec3u, local: u32, lane: u32) {
  let rows = round_rows();
  let channel = 12u * workgroup.y;
  let weights = params.transposed + workgroup.y * 3u * (params.outputs + 1u);
  for (var block = workgroup.x; block < round_blocks(); block += workgroups.x) {
    let column = block * COLUMNS + 2u * local;
    let first = block * params.outputs * COLUMNS + 2u * local;
    let x = four_rows(column, rows);
    let y = four_rows(column + 1u, rows);
    if (params.inputs > 0u) {
      let tiles = product(weights, params.outputs, first, lane);
      scatter_tile(tiles.x, x, channel);
      scatter_tile(tiles.y, y, channel);
    } else {
      for (var c = channel; c < min(channel + 12u, params.outputs); c++) {
        scatter(matrix[first + c * COLUMNS], x, c, params.outputs);
        scatter(matrix[first + c * COLUMNS + 1u], y, c, params.outputs);
      }
    }
  }
}
