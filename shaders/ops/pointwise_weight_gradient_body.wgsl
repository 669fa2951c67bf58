// Gradient of a 1×1 convolution with respect to its weight, gradient[o, i] = Σ_images,pixels incoming[o, pixel] · input[i, pixel], in chunks
// that sum_chunks.wgsl adds up. An invocation takes four input channels, eight output channels and one chunk of strips of at most STRIP vec4.
const STRIP = 32u;

struct Params {
  inputs: u32,
  outputs: u32,
  chunks: u32,
  strips: u32,
  strips_a_chunk: u32,
  level_count: u32,
  /// three entries a level: (first strip, strips an image, 1, vec4 of a map),
  /// (first vec4 of the input, its rows, its vec4 a row, 0), (first vec4 of the incoming gradient, its rows, its vec4 a row, 0)
  levels: array<vec4u, 24>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows: one row a map
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
/// aligned rows: one row a map
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;
/// [chunks, outputs, inputs]
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

#include "conv2d_tile.wgsl"

struct Inputs {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
}

fn products(pixels: vec4f, inputs: Inputs) -> vec4f {
  return vec4f(dot(pixels, inputs.a), dot(pixels, inputs.b), dot(pixels, inputs.c), dot(pixels, inputs.d));
}

/// A loop over the channels: unrolled, the stores are most of the kernel to compile.
fn store(chunk: u32, first: u32, channel: u32, sums: Tile) {
  for (var output = first; output < min(first + 8u, params.outputs); output++) {
    let sum = channel_of(sums, output);
    let start = (chunk * params.outputs + output) * params.inputs + channel;
    partial[start] = sum.x;
    if (channel + 1u < params.inputs) { partial[start + 1u] = sum.y; }
    if (channel + 2u < params.inputs) { partial[start + 2u] = sum.z; }
    if (channel + 3u < params.inputs) { partial[start + 3u] = sum.w; }
  }
}

/// `own_channel`: first of the input channels, those beyond the last doing as it does; `first`: output channel.
fn weight_gradient(own_channel: u32, first: u32, chunk: u32, lane: u32) {
  let channel = min(own_channel, params.inputs - 1u);
  let last = params.outputs - 1u - first;
  let last_input = params.inputs - 1u - channel;

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  let end = min(params.strips, (chunk + 1u) * params.strips_a_chunk);
  for (var strip = chunk * params.strips_a_chunk; strip < end; strip++) {
    var level = 0u;
    while (level + 1u < params.level_count && strip >= params.levels[3u * level + 3u].x) {
      level++;
    }
    let size = params.levels[3u * level];
    let source = params.levels[3u * level + 1u];
    let grads = params.levels[3u * level + 2u];
    let image = (strip - size.x) / size.y;
    let start = STRIP * ((strip - size.x) % size.y);
    let length = min(STRIP, size.w - start);
    let at = source.x + (image * params.inputs + channel) * source.z + start;
    let to = grads.x + (image * params.outputs + first) * grads.z + start;
    for (var i = 0u; i < length; i++) {
      let inputs = Inputs(
        vec4f(input[at + i]),
        vec4f(input[at + i + min(1u, last_input) * source.z]),
        vec4f(input[at + i + min(2u, last_input) * source.z]),
        vec4f(input[at + i + min(3u, last_input) * source.z]),
      );
      let pixels = read_incoming(to + i, grads.z, last, lane);
      sum0 += products(channel0(pixels), inputs);
      sum1 += products(channel1(pixels), inputs);
      sum2 += products(channel2(pixels), inputs);
      sum3 += products(channel3(pixels), inputs);
      sum4 += products(channel4(pixels), inputs);
      sum5 += products(channel5(pixels), inputs);
      sum6 += products(channel6(pixels), inputs);
      sum7 += products(channel7(pixels), inputs);
    }
  }
  if (own_channel < params.inputs) {
    store(chunk, first, channel, Tile(sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7));
  }
}
