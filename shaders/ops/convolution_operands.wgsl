// What convolutions as products of matrices read and write: output[o, n] = bias[o] + Σ_k weight[o, k] · patch[k, n], n a pixel of any image, k an input
// channel's tap. A group is 64 pixels of a level. Channels and pixels come in quads. The kernel has `Stored` and `Stored4`.
override TAPS: u32 = 9;
override STRIDE: u32 = 1;

struct Params {
  inputs: u32,
  outputs: u32,
  batch: u32,
  /// of 64 pixels, all levels
  groups: u32,
  /// taps of a tile of eight channels in `weight`, without the bias
  tile_taps: u32,
  level_count: u32,
  /// two entries a level: (first group of 64 pixels, 0, output height, output width),
  /// (first vec4 of the input, its rows, its vec4 a row, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows
@group(0) @binding(1) var<storage, read> input: array<Stored>;
/// see pack_weight.wgsl
@group(0) @binding(2) var<storage, read> weight: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

#include "activated.wgsl"

fn level_of_group(group: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[2u * level + 2u].x) {
    level++;
  }
  return level;
}

/// The four channels from 4 · quad on, at one tap; zero where there are none.
fn weights_at(quad: u32, k: u32) -> vec4f {
  if (k >= params.inputs * TAPS || 4u * quad >= params.outputs) {
    return vec4f();
  }
  return vec4f(weight[2u * (quad / 2u * (params.tile_taps + 1u) + k) + (quad & 1u)]);
}

fn biases_at(quad: u32) -> vec4f {
  if (4u * quad >= params.outputs) {
    return vec4f();
  }
  return vec4f(weight[2u * (quad / 2u * (params.tile_taps + 1u) + params.tile_taps) + (quad & 1u)]);
}

/// Where the patches of four pixels begin. Pixels after the last repeat it and are not stored.
fn patches_of(first_pixel: u32, level: u32) -> vec4u {
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let area = to.z * to.w;
  let row = 4u * source.z;
  let n = min(first_pixel + vec4u(0u, 1u, 2u, 3u), vec4u(params.batch * area - 1u));
  let at = n % area;
  return 4u * source.x + n / area * params.inputs * source.y * row + STRIDE * (at / to.w * row + at % to.w);
}

/// One tap of four patches, zero after the last. `source`: the level's second entry
fn patches_at(patches: vec4u, k: u32, source: vec4u) -> vec4f {
  if (k >= params.inputs * TAPS) {
    return vec4f();
  }
  let tap = k % TAPS;
  let offsets = patches + (k / TAPS * source.y + tap / 3u) * 4u * source.z + tap % 3u;
  return vec4f(Stored4(input[offsets.x], input[offsets.y], input[offsets.z], input[offsets.w]));
}

/// Stores four pixels of a channel, those that there are.
fn store(sums: vec4f, channel: u32, first_pixel: u32, level: u32) {
  let to = params.levels[2u * level];
  let area = to.z * to.w;
  let values = activated(sums);
  for (var j = 0u; j < 4u; j++) {
    let n = first_pixel + j;
    if (channel < params.outputs && n < params.batch * area) {
      output[params.levels[2u * level + 1u].w + (n / area * params.outputs + channel) * area + n % area] = Stored(values[j]);
    }
  }
}
