// 3×3 convolution, all levels in one dispatch: output[o, y, x] = bias[o] + Σ_i Σ_ky,kx
// weight[o, i, ky, kx] · input[i, STRIDE·y + ky, STRIDE·x + kx] (coordinates in the copy with a border, see align_rows.wgsl).
// An invocation computes eight channels × four pixels of two rows; workgroup_id.y is the tile of channels.
override STRIDE: u32 = 1;
/// Small workgroups waste less at the end of small maps.
override SIZE: u32 = 64;
/// The order of the products: see conv2d_channels.wgsl.
override BY_CHANNELS: bool = false;

struct Params {
  inputs: u32,
  outputs: u32,
  /// groups of 2 × 4 pixels, all levels
  groups: u32,
  level_count: u32,
  /// two entries a level: (first group, groups a row, output height, output width),
  /// (first vec4 of the input, its rows, its vec4 a row, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
/// see pack_weight.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

#include "conv2d_tile.wgsl"
#include "conv2d_channels.wgsl"
#include "store_tile.wgsl"

/// Writes the first `channels` of a tile. `area`: from channel to channel; `start`: the first pixel. Not in a loop, in which a convolution took up
/// to 1.2 times as long on lavapipe.
fn store_tile(tile: Tile, channels: u32, area: u32, start: u32, count: u32) {
  store_pixels(tile.c0, start, count);
  if (channels > 1u) { store_pixels(tile.c1, start + area, count); }
  if (channels > 2u) { store_pixels(tile.c2, start + 2u * area, count); }
  if (channels > 3u) { store_pixels(tile.c3, start + 3u * area, count); }
  if (channels > 4u) { store_pixels(tile.c4, start + 4u * area, count); }
  if (channels > 5u) { store_pixels(tile.c5, start + 5u * area, count); }
  if (channels > 6u) { store_pixels(tile.c6, start + 6u * area, count); }
  if (channels > 7u) { store_pixels(tile.c7, start + 7u * area, count); }
}

fn read_row(at: u32) -> Row {
  let a = vec4f(input[at]);
  let b = vec4f(input[at + 1u]);
  if (STRIDE == 1u) {
    return Row(a, vec4f(a.yzw, b.x), vec4f(a.zw, b.xy));
  }
  let c = vec4f(input[at + 2u]);
  return Row(vec4f(a.xz, b.xz), vec4f(a.yw, b.yw), vec4f(a.z, b.xz, c.x));
}

fn convolve(workgroup: vec3u, local: u32, lane: u32) {
  // All invocations stay, also beyond the last group: subgroups need them.
  let group = min(workgroup.x * SIZE + local, params.groups - 1u);
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[2u * level + 2u].x) {
    level++;
  }
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let column = (group - to.x) % to.y;
  let lines = (to.z + 1u) / 2u;
  let line = (group - to.x) / to.y % lines;
  let image = (group - to.x) / (to.y * lines);
  let row = source.z;
  let plane = source.y * row;

  var at = source.x + image * params.inputs * plane + STRIDE * (2u * line * row + column);
  var tap = workgroup.y * (params.inputs * 9u + 1u);
  let bias = filled(biases(tap + params.inputs * 9u));
  var tiles = Tiles(bias, bias);
  for (var i = 0u; i < params.inputs; i++) {
    let w0123 = read_taps(tap, lane);
    let w4567 = read_taps(tap + 4u, lane);
    let w8 = read_tap(tap + 8u, lane);
    let r0 = read_row(at);
    let r1 = read_row(at + row);
    let r2 = read_row(at + 2u * row);
    let r3 = read_row(at + 3u * row);
    // The first row of the lower tile alone; with stride 2 the tiles share row 2 only.
    var s0 = r1;
    var s1 = r2;
    var s2 = r3;
    if (STRIDE == 2u) {
      s0 = r2;
      s1 = r3;
      s2 = read_row(at + 4u * row);
    }
    if (BY_CHANNELS) {
      tiles = by_channels(tiles, w0123, w4567, w8, Rows(r0, r1, r2), Rows(s0, s1, s2));
    } else {
      tiles = multiply_add_both(tiles, first(w0123), r0.left, s0.left);
      tiles = multiply_add_both(tiles, second(w0123), r0.middle, s0.middle);
      tiles = multiply_add_both(tiles, third(w0123), r0.right, s0.right);
      tiles = multiply_add_both(tiles, fourth(w0123), r1.left, s1.left);
      tiles = multiply_add_both(tiles, first(w4567), r1.middle, s1.middle);
      tiles = multiply_add_both(tiles, second(w4567), r1.right, s1.right);
      tiles = multiply_add_both(tiles, third(w4567), r2.left, s2.left);
      tiles = multiply_add_both(tiles, fourth(w4567), r2.middle, s2.middle);
      tiles = multiply_add_both(tiles, first(w8), r2.right, s2.right);
    }
    at += plane;
    tap += 9u;
  }

  if (workgroup.x * SIZE + local < params.groups) {
    let area = to.z * to.w;
    let channel = 8u * workgroup.y;
    let y = 2u * line;
    let start = source.w + (image * params.outputs + channel) * area + y * to.w + 4u * column;
    let count = to.w - 4u * column;
    store_tile(tiles.a, params.outputs - channel, area, start, count);
    if (y + 1u < to.z) {
      store_tile(tiles.b, params.outputs - channel, area, start + to.w, count);
    }
  }
}
