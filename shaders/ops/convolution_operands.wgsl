// What convolutions as products of matrices read and write: output[o, n] = bias[o] + Σ_k weight[o, k] · patch[k, n], n a pixel of any image, k an input
// channel's tap. A group is the pixels of a level that a workgroup takes. Channels and pixels come in quads. Maps and weight are read as they lie: a read tests whether it is
// inside, and the products of many reads are worth that on a GPU, where a copy would be a pass over memory. The kernel has `Stored` and `Stored4`.
override TAPS: u32 = 9;
override STRIDE: u32 = 1;
/// For the gradient of the input: the weight's outputs and inputs change places, and its taps turn by 180°.
override TRANSPOSED: bool = false;

struct Params {
  inputs: u32,
  outputs: u32,
  batch: u32,
  /// of all levels
  groups: u32,
  has_bias: u32,
  level_count: u32,
  /// two entries a level: (first group, 0, output height, output width),
  /// (first element of the input, its height, its width, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
/// [outputs, inputs, taps], or [inputs, outputs, taps] where transposed
@group(0) @binding(2) var<storage, read> weight: array<f32>;
/// [outputs], with has_bias
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

#include "activated.wgsl"

fn level_of_group(group: u32) -> u32 {
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[2u * level + 2u].x) {
    level++;
  }
  return level;
}

/// The four channels from 4 · quad on, at one tap, zero after the last one. Channels after the last repeat it and are not stored. Lanes of
/// neighbouring k read neighbouring weights.
fn weights_at(quad: u32, k: u32) -> vec4f {
  let own = params.inputs * TAPS;
  if (k >= own) {
    return vec4f();
  }
  let channels = min(4u * quad + vec4u(0u, 1u, 2u, 3u), vec4u(params.outputs - 1u));
  var at = channels * own + k;
  if (TRANSPOSED) {
    at = (k / TAPS * params.outputs + channels) * TAPS + TAPS - 1u - k % TAPS;
  }
  return vec4f(weight[at.x], weight[at.y], weight[at.z], weight[at.w]);
}

fn bias_at(channel: u32) -> f32 {
  if (params.has_bias == 0u || channel >= params.outputs) {
    return 0.0;
  }
  return bias[channel];
}

/// Where the middle taps of four pixels are: element of the input's first channel, row and column.
struct Patches {
  element: vec4u,
  row: vec4u,
  column: vec4u,
}

/// Pixels after the last repeat it and are not stored.
fn patches_of(first_pixel: u32, level: u32) -> Patches {
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let area = to.z * to.w;
  let n = min(first_pixel + vec4u(0u, 1u, 2u, 3u), vec4u(params.batch * area - 1u));
  let at = n % area;
  let row = STRIDE * (at / to.w);
  let column = STRIDE * (at % to.w);
  return Patches(source.x + (n / area * params.inputs * source.y + row) * source.z + column, row, column);
}

/// One tap of four patches, zero beyond the map and after the last. Unsigned: what is before the map wraps round to numbers beyond it.
/// @param source the level's second entry
fn patches_at(patches: Patches, k: u32, source: vec4u) -> vec4f {
  if (k >= params.inputs * TAPS) {
    return vec4f();
  }
  let tap = k % TAPS;
  let down = tap / 3u - TAPS / 9u;
  let right = tap % 3u - TAPS / 9u;
  let inside = (patches.row + down < vec4u(source.y)) & (patches.column + right < vec4u(source.z));
  let at = select(vec4u(), patches.element + (k / TAPS * source.y + down) * source.z + right, inside);
  return select(vec4f(), vec4f(Stored4(input[at.x], input[at.y], input[at.z], input[at.w])), inside);
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
