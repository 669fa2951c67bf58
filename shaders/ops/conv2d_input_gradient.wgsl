// Gradient of a 3×3 convolution of stride 2 with respect to its input, for the pixels (2·m + PARITY_Y, 2·n + PARITY_X):
// gradient[i, y, x] = Σ_o Σ_ky,kx weight[o, i, ky, kx] · incoming[o, (y + 1 − ky)/2, (x + 1 − kx)/2] over whole quotients.
// An even coordinate meets tap 1 only, an odd one taps 0 and 2. (For stride 1 see conv2d.wgsl with a transposed weight.)
// An invocation computes a tile of four channels × eight values of n; workgroup_id.y is the tile of channels.
override PARITY_Y: u32 = 0;
override PARITY_X: u32 = 0;

struct Params {
  /// channels of the incoming gradient
  inputs: u32,
  /// channels of the convolution's input
  outputs: u32,
  groups: u32,
  level_count: u32,
  /// two entries a level: (first group, groups a row, height, width of the convolution's input),
  /// (first vec4 of the incoming gradient, its rows, its vec4 a row, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows, with a row and a column of zeros after the last
@group(0) @binding(1) var<storage, read> incoming: array<vec4f>;
/// packed transposed: tap (ky, kx) lies at 8 − 3·ky − kx
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

#include "conv2d_tile.wgsl"

/// Adds what one row of the incoming gradient contributes through the taps of row ky of the weight.
fn add_row(tile: Tile, at: u32, taps: u32, ky: u32) -> Tile {
  let a = incoming[at];
  let b = incoming[at + 1u];
  let first = taps + 8u - 3u * ky;
  var sum = tile;
  if (PARITY_X == 0u) {
    sum = multiply_add(sum, weight[first - 1u], a, b);
  } else {
    let c = incoming[at + 2u];
    sum = multiply_add(sum, weight[first - 2u], a, b);
    sum = multiply_add(sum, weight[first], vec4f(a.yzw, b.x), vec4f(b.yzw, c.x));
  }
  return sum;
}

fn store(channel: u32, start: u32, count: u32, low: vec4f, high: vec4f) {
  if (channel >= params.outputs) {
    return;
  }
  gradient[start] = low.x;
  if (count > 1u) { gradient[start + 2u] = low.y; }
  if (count > 2u) { gradient[start + 4u] = low.z; }
  if (count > 3u) { gradient[start + 6u] = low.w; }
  if (count > 4u) { gradient[start + 8u] = high.x; }
  if (count > 5u) { gradient[start + 10u] = high.y; }
  if (count > 6u) { gradient[start + 12u] = high.z; }
  if (count > 7u) { gradient[start + 14u] = high.w; }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.x * 64u + local;
  if (group >= params.groups) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[2u * level + 2u].x) {
    level++;
  }
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let column = (group - to.x) % to.y;
  let line = (group - to.x) / to.y;
  let lines = (to.z + 1u) / 2u;
  let y = 2u * (line % lines) + PARITY_Y;
  let x = 16u * column + PARITY_X;
  if (y >= to.z || x >= to.w) {
    return;
  }
  let image = line / lines;
  let row = source.z;
  let plane = source.y * row;

  var at = source.x + image * params.inputs * plane + (y / 2u) * row + 2u * column;
  var taps = workgroup.y * (params.inputs * 9u + 1u);
  var tile = filled(vec4f());
  for (var i = 0u; i < params.inputs; i++) {
    if (PARITY_Y == 0u) {
      tile = add_row(tile, at, taps, 1u);
    } else {
      tile = add_row(tile, at, taps, 2u);
      tile = add_row(tile, at + row, taps, 0u);
    }
    at += plane;
    taps += 9u;
  }

  let area = to.z * to.w;
  let channel = 4u * workgroup.y;
  let start = source.w + (image * params.outputs + channel) * area + y * to.w + x;
  let count = min(8u, (to.w - x + 1u) / 2u);
  store(channel, start, count, tile.low0, tile.high0);
  store(channel + 1u, start + area, count, tile.low1, tile.high1);
  store(channel + 2u, start + 2u * area, count, tile.low2, tile.high2);
  store(channel + 3u, start + 3u * area, count, tile.low3, tile.high3);
}
