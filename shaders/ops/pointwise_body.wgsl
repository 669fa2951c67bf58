// 1×1 convolution, all levels in one dispatch: output[o, pixel] = bias[o] + Σ_i weight[o, i] · input[i, pixel]. An invocation computes CHANNELS
// channels × eight consecutive pixels; workgroup_id.y is the tile of channels. The packed weight has a multiple of four inputs.

/// Small workgroups waste less at the end of small maps.
override SIZE: u32 = 64;
/// 8, or 16: pixels that were read are used twice as often.
override CHANNELS: u32 = 8;

struct Params {
  inputs: u32,
  outputs: u32,
  /// groups of eight pixels, all levels
  groups: u32,
  level_count: u32,
  /// two entries a level: (first group, groups a map, 1, pixels of a map),
  /// (first vec4 of the input, 1, its vec4 a map, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows: one row a map
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
/// see pack_weight.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

#include "conv2d_tile.wgsl"
#include "store_tile.wgsl"

/// Writes the channels of two tiles from `first` on, the second `step` elements later. `area`: from channel to channel; `start`: the first pixel.
/// A loop: unrolled, the stores are most of the kernel to compile.
fn store_tiles(tiles: Tiles, first: u32, area: u32, start: u32, step: u32, counts: vec2u) {
  var at = start;
  for (var channel = first; channel < min(first + 8u, params.outputs); channel++) {
    store_pixels(channel_of(tiles.a, channel), at, counts.x);
    store_pixels(channel_of(tiles.b, channel), at + step, counts.y);
    at += area;
  }
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
  let image = (group - to.x) / to.y;
  let plane = source.z;
  // Where the second four pixels lie beyond the map, its last vec4 is read again and not stored.
  let next = min(2u * column + 1u, plane - 1u) - 2u * column;

  let inputs = (params.inputs + 3u) / 4u * 4u;
  let first_input = source.x + image * params.inputs * plane + 2u * column;
  let last = params.inputs - 1u;
  let tile_taps = inputs + 1u;
  let channel = CHANNELS * workgroup.y;
  var tap = channel / 8u * tile_taps;
  let bias = filled(biases(tap + inputs));
  var tiles = Tiles(bias, bias);
  var others = tiles;
  if (CHANNELS == 16u) {
    let other_bias = filled(biases(tap + tile_taps + inputs));
    others = Tiles(other_bias, other_bias);
  }
  for (var i = 0u; i < inputs; i += 4u) {
    let weights = read_taps(tap, lane);
    let at0 = first_input + i * plane;
    let at1 = first_input + min(i + 1u, last) * plane;
    let at2 = first_input + min(i + 2u, last) * plane;
    let at3 = first_input + min(i + 3u, last) * plane;
    let p0 = vec4f(input[at0]);
    let q0 = vec4f(input[at0 + next]);
    let p1 = vec4f(input[at1]);
    let q1 = vec4f(input[at1 + next]);
    let p2 = vec4f(input[at2]);
    let q2 = vec4f(input[at2 + next]);
    let p3 = vec4f(input[at3]);
    let q3 = vec4f(input[at3 + next]);
    tiles = multiply_add_both(tiles, first(weights), p0, q0);
    tiles = multiply_add_both(tiles, second(weights), p1, q1);
    tiles = multiply_add_both(tiles, third(weights), p2, q2);
    tiles = multiply_add_both(tiles, fourth(weights), p3, q3);
    if (CHANNELS == 16u) {
      let more = read_taps(tap + tile_taps, lane);
      others = multiply_add_both(others, first(more), p0, q0);
      others = multiply_add_both(others, second(more), p1, q1);
      others = multiply_add_both(others, third(more), p2, q2);
      others = multiply_add_both(others, fourth(more), p3, q3);
    }
    tap += 4u;
  }

  if (workgroup.x * SIZE + local < params.groups) {
    let start = source.w + (image * params.outputs + channel) * to.w + 8u * column;
    let count = to.w - 8u * column;
    let counts = vec2u(count, max(count, 4u) - 4u);
    store_tiles(tiles, channel, to.w, start, 4u, counts);
    if (CHANNELS == 16u) {
      store_tiles(others, channel + 8u, to.w, start + 8u * to.w, 4u, counts);
    }
  }
}
