// Gradient of a 3×3 convolution of stride 2 with respect to its input:
// gradient[i, y, x] = Σ_o Σ_ky,kx weight[o, i, ky, kx] · incoming[o, (y + 1 − ky)/2, (x + 1 − kx)/2] over whole quotients:
// an even coordinate meets tap 1 only, an odd one taps 0 and 2. (For stride 1 see conv2d_body.wgsl with a transposed weight.)
// An invocation computes eight channels × 2 × 8 pixels, one tile for each parity; workgroup_id.y is the tile of channels.
/// Small workgroups waste less at the end of small maps.
override SIZE: u32 = 64;

struct Params {
  /// channels of the incoming gradient
  inputs: u32,
  /// channels of the convolution's input
  outputs: u32,
  /// groups of 2 × 8 pixels, all levels
  groups: u32,
  level_count: u32,
  /// two entries a level: (first group, groups a row, height, width of the convolution's input),
  /// (first vec4 of the incoming gradient, its rows, its vec4 a row, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows, with a row and a column of zeros after the last
@group(0) @binding(1) var<storage, read> incoming: array<Stored4>;
/// packed transposed: tap (ky, kx) is number 8 − 3·ky − kx
@group(0) @binding(2) var<storage, read> weight: array<Stored4>;
@group(0) @binding(3) var<storage, read_write> output: array<Stored>;

#include "conv2d_tile.wgsl"
#include "store_tile.wgsl"

/// Stores even and odd columns, four each, as eight consecutive pixels.
fn interleaved(even: vec4f, odd: vec4f, start: u32, count: u32) {
  store_pixels(vec4f(even.x, odd.x, even.y, odd.y), start, count);
  store_pixels(vec4f(even.z, odd.z, even.w, odd.w), start + 4u, max(count, 4u) - 4u);
}

fn input_gradient(workgroup: vec3u, local: u32, lane: u32) {
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

  var at = source.x + image * params.inputs * plane + line * row + column;
  var tap = workgroup.y * (params.inputs * 9u + 1u);
  var even_even = filled(Eight());
  var even_odd = even_even;
  var odd_even = even_even;
  var odd_odd = even_even;
  for (var o = 0u; o < params.inputs; o++) {
    let w0123 = read_taps(tap, lane);
    let w4567 = read_taps(tap + 4u, lane);
    let w8 = read_tap(tap + 8u, lane);
    let a = vec4f(incoming[at]);
    let b = vec4f(incoming[at + 1u]);
    let near = a;
    let right = vec4f(a.yzw, b.x);
    let c = vec4f(incoming[at + row]);
    let d = vec4f(incoming[at + row + 1u]);
    let below = c;
    let diagonal = vec4f(c.yzw, d.x);
    odd_odd = multiply_add(odd_odd, first(w0123), near);
    odd_even = multiply_add(odd_even, second(w0123), near);
    odd_odd = multiply_add(odd_odd, third(w0123), right);
    even_odd = multiply_add(even_odd, fourth(w0123), near);
    even_even = multiply_add(even_even, first(w4567), near);
    even_odd = multiply_add(even_odd, second(w4567), right);
    odd_odd = multiply_add(odd_odd, third(w4567), below);
    odd_even = multiply_add(odd_even, fourth(w4567), below);
    odd_odd = multiply_add(odd_odd, first(w8), diagonal);
    at += plane;
    tap += 9u;
  }

  if (workgroup.x * SIZE + local < params.groups) {
    let area = to.z * to.w;
    let channel = 8u * workgroup.y;
    let y = 2u * line;
    let start = source.w + (image * params.outputs + channel) * area + y * to.w + 8u * column;
    let count = to.w - 8u * column;
    let below = select(0u, count, y + 1u < to.z);
    var at_channel = start;
    for (var c = channel; c < min(channel + 8u, params.outputs); c++) {
      interleaved(channel_of(even_even, c), channel_of(even_odd, c), at_channel, count);
      interleaved(channel_of(odd_even, c), channel_of(odd_odd, c), at_channel + to.w, below);
      at_channel += area;
    }
  }
}
