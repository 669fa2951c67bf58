// Gradients of weight, bias and scales over a round's rows, block by block; head_cut_sum.wgsl adds up the blocks' sums. Rounds
// add to what earlier ones gave.

struct Params {
  batch: u32,
  which: u32,
  start: u32,
  round: u32,
  level_count: u32,
  outputs: u32,
  inputs: u32,
  /// vec4 of a block's sums
  partial_size: u32,
  /// vec4 of the matrix of slopes; after it lies each row's part of the scale's gradient
  matrix_size: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
/// of head_cut_gather.wgsl
@group(0) @binding(2) var<storage, read> places: array<vec4u>;
@group(0) @binding(3) var<storage, read> features: array<vec4f>;
@group(0) @binding(4) var<storage, read> slopes: array<vec4f>;
/// a block's [outputs, inputs / 4] vec4 of four inputs, [outputs / 4] of the bias, [2] of the scales
@group(0) @binding(5) var<storage, read_write> partial: array<vec4f>;

#include "head_row.wgsl"
#include "head_counts.wgsl"
#include "head_cut_tile.wgsl"
#include "head_cut_matrix.wgsl"

fn add_partial(sum: vec4f, at: u32) {
  if (params.start == 0u) {
    partial[at] = sum;
  } else {
    partial[at] += sum;
  }
}

fn add_partials(sums: Slopes, channel: u32, at: u32, step: u32) {
  // The outputs are a multiple of four, so channels beyond the last come by fours.
  if (channel < params.outputs) {
    add_partial(sums.a, at);
    add_partial(sums.b, at + step);
    add_partial(sums.c, at + 2u * step);
    add_partial(sums.d, at + 3u * step);
  }
}

/// Σ of four channels' slopes times four features over four rows, added to the sums.
fn multiply_add4(sums: Slopes, g: Slopes, f: Slopes) -> Slopes {
  return Slopes(
    sums.a + vec4f(dot(g.a, f.a), dot(g.a, f.b), dot(g.a, f.c), dot(g.a, f.d)),
    sums.b + vec4f(dot(g.b, f.a), dot(g.b, f.b), dot(g.b, f.c), dot(g.b, f.d)),
    sums.c + vec4f(dot(g.c, f.a), dot(g.c, f.b), dot(g.c, f.c), dot(g.c, f.d)),
    sums.d + vec4f(dot(g.d, f.a), dot(g.d, f.b), dot(g.d, f.c), dot(g.d, f.d)),
  );
}

/// Twelve outputs from `channel` on × four inputs.
fn weight_gradient(block: u32, channel: u32, four: u32, lane: u32) {
  let fours = (params.inputs + 3u) / 4u;
  let last = params.inputs - 1u;
  let from_features = block * params.inputs * COLUMNS;
  let a = from_features + min(4u * four, last) * COLUMNS;
  let b = from_features + min(4u * four + 1u, last) * COLUMNS;
  let c = from_features + min(4u * four + 2u, last) * COLUMNS;
  let d = from_features + min(4u * four + 3u, last) * COLUMNS;
  let first = (block * params.outputs + channel) * COLUMNS;
  var sums0 = Slopes();
  var sums1 = Slopes();
  var sums2 = Slopes();
  for (var i = 0u; i < COLUMNS; i++) {
    let f = Slopes(features[a + i], features[b + i], features[c + i], features[d + i]);
    sums0 = multiply_add4(sums0, read_slopes(first + i, lane), f);
    sums1 = multiply_add4(sums1, read_slopes(first + 4u * COLUMNS + i, lane), f);
    sums2 = multiply_add4(sums2, read_slopes(first + 8u * COLUMNS + i, lane), f);
  }
  if (four < fours) {
    let to = block * params.partial_size + channel * fours + four;
    add_partials(sums0, channel, to, fours);
    add_partials(sums1, channel + 4u, to + 4u * fours, fours);
    add_partials(sums2, channel + 8u, to + 8u * fours, fours);
  }
}

/// Four outputs' biases, and after the last the scales of four levels.
fn other_gradients(block: u32, unit: u32) {
  let biases = params.outputs / 4u;
  if (unit >= biases + 2u) {
    return;
  }
  var sum = vec4f();
  // One read in a loop that compilers do not unroll: lavapipe takes seconds to compile dozens in a row.
  if (unit < biases) {
    let first = (block * params.outputs + 4u * unit) * COLUMNS;
    for (var i = 0u; i < 4u * COLUMNS; i++) {
      sum[i / COLUMNS] += dot(slopes[first + i], vec4f(1.0));
    }
  } else {
    for (var row = block * BLOCK; row < min(round_rows(), (block + 1u) * BLOCK); row++) {
      let level = places[row].x;
      if (level / 4u == unit - biases) {
        sum[level % 4u] += slopes[params.matrix_size + row / 4u][row % 4u];
      }
    }
  }
  add_partial(sum, block * params.partial_size + params.outputs * ((params.inputs + 3u) / 4u) + unit);
}
