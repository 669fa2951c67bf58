// Two-dimensional convolution, all levels in one dispatch: output[o, y, x] = bias[o] + Σ_i Σ_ky,kx
// weight[o, i, ky, kx] · input[i, STRIDE·y + ky, STRIDE·x + kx] (coordinates in the copy with a border, see align_rows.wgsl).
// An invocation computes a tile of four channels × eight pixels of a row; workgroup_id.y is the tile of channels.
override KERNEL: u32 = 3;
override STRIDE: u32 = 1;

struct Params {
  inputs: u32,
  outputs: u32,
  /// groups of eight pixels, all levels
  groups: u32,
  level_count: u32,
  /// two entries a level: (first group, groups a row, output height, output width),
  /// (first vec4 of the input, its rows, its vec4 a row, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
/// see pack_weight.wgsl
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;

#include "conv2d_tile.wgsl"

/// Writes the first `count` of eight consecutive pixels.
fn store(channel: u32, start: u32, count: u32, low: vec4f, high: vec4f) {
  if (channel >= params.outputs) {
    return;
  }
  output[start] = low.x;
  if (count > 1u) { output[start + 1u] = low.y; }
  if (count > 2u) { output[start + 2u] = low.z; }
  if (count > 3u) { output[start + 3u] = low.w; }
  if (count > 4u) { output[start + 4u] = high.x; }
  if (count > 5u) { output[start + 5u] = high.y; }
  if (count > 6u) { output[start + 6u] = high.z; }
  if (count > 7u) { output[start + 7u] = high.w; }
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
  let y = line % to.z;
  let image = line / to.z;
  let row = source.z;
  let plane = source.y * row;

  var at = source.x + image * params.inputs * plane + y * STRIDE * row + 2u * STRIDE * column;
  var tap = workgroup.y * (params.inputs * KERNEL * KERNEL + 1u);
  var tile = filled(weight[tap + params.inputs * KERNEL * KERNEL]);
  for (var i = 0u; i < params.inputs; i++) {
    if (KERNEL == 1u) {
      tile = multiply_add(tile, weight[tap], input[at], input[at + 1u]);
    } else {
      for (var ky = 0u; ky < 3u; ky++) {
        let a = input[at + ky * row];
        let b = input[at + ky * row + 1u];
        let c = input[at + ky * row + 2u];
        let w0 = weight[tap + 3u * ky];
        let w1 = weight[tap + 3u * ky + 1u];
        let w2 = weight[tap + 3u * ky + 2u];
        if (STRIDE == 1u) {
          tile = multiply_add(tile, w0, a, b);
          tile = multiply_add(tile, w1, vec4f(a.yzw, b.x), vec4f(b.yzw, c.x));
          tile = multiply_add(tile, w2, vec4f(a.zw, b.xy), vec4f(b.zw, c.xy));
        } else {
          let d = input[at + ky * row + 3u];
          let e = input[at + ky * row + 4u];
          tile = multiply_add(tile, w0, vec4f(a.xz, b.xz), vec4f(c.xz, d.xz));
          tile = multiply_add(tile, w1, vec4f(a.yw, b.yw), vec4f(c.yw, d.yw));
          tile = multiply_add(tile, w2, vec4f(a.z, b.xz, c.x), vec4f(c.z, d.xz, e.x));
        }
      }
    }
    at += plane;
    tap += KERNEL * KERNEL;
  }

  let area = to.z * to.w;
  let channel = 4u * workgroup.y;
  let start = source.w + (image * params.outputs + channel) * area + y * to.w + 8u * column;
  let count = min(8u, to.w - 8u * column);
  store(channel, start, count, tile.low0, tile.high0);
  store(channel + 1u, start + area, count, tile.low1, tile.high1);
  store(channel + 2u, start + 2u * area, count, tile.low2, tile.high2);
  store(channel + 3u, start + 3u * area, count, tile.low3, tile.high3);
}
