// A 3×3 or 1×1 convolution of all levels as a product of matrices, for GPUs: output[o, n] = bias[o] + Σ_k weight[o, k] · patch[k, n], n a pixel
// of any image, k an input channel's tap. A workgroup of 256 invocations computes QUADS · 64 channels × 64 pixels. STEP values of k at a
// time go through workgroup memory; an invocation keeps QUADS · 4 × 4 sums.
override TAPS: u32 = 9;
override STRIDE: u32 = 1;
/// vec4 of channels of an invocation, 1 or 2
override QUADS: u32 = 1;

const STEP = 16u;

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

/// [k][vec4 of channels]
var<workgroup> weights: array<vec4f, 512>;
/// [k][vec4 of pixels]
var<workgroup> patches: array<vec4f, 256>;

/// The four channels from 4 · quad on, at one tap; zero where there are none.
fn weights_at(quad: u32, k: u32, own: u32) -> vec4f {
  if (k >= own || 4u * quad >= params.outputs) {
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

#include "activated.wgsl"

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.z * workgroups.x + workgroup.x;
  if (group >= params.groups) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[2u * level + 2u].x) {
    level++;
  }
  let to = params.levels[2u * level];
  let source = params.levels[2u * level + 1u];
  let area = to.z * to.w;
  let pixels = params.batch * area;
  let row = 4u * source.z;
  let plane = source.y * row;
  let first_pixel = 64u * (group - to.x);
  let first_quad = 16u * QUADS * workgroup.y;
  let own = params.inputs * TAPS;

  // This invocation loads a quad of channels and a quad of pixels, both of tap `line` of each step.
  let column = local % 16u;
  let line = local / 16u;
  var bases: vec4u;
  for (var i = 0u; i < 4u; i++) {
    // Pixels after the last repeat it and are not stored.
    let n = min(first_pixel + 4u * column + i, pixels - 1u);
    let at = n % area;
    bases[i] = 4u * source.x + n / area * params.inputs * plane + STRIDE * (at / to.w * row + at % to.w);
  }

  var sums: array<vec4f, 8>;
  for (var quad = 0u; quad < QUADS; quad++) {
    let bias = biases_at(first_quad + 16u * quad + line);
    for (var i = 0u; i < 4u; i++) {
      sums[4u * quad + i] = vec4f(bias[i]);
    }
  }
  for (var start = 0u; start < own; start += STEP) {
    let k = start + line;
    for (var quad = 0u; quad < QUADS; quad++) {
      weights[16u * (QUADS * line + quad) + column] = weights_at(first_quad + 16u * quad + column, k, own);
    }
    var taken = vec4f();
    if (k < own) {
      let tap = k % TAPS;
      let offsets = bases + k / TAPS * plane + tap / 3u * row + tap % 3u;
      taken = vec4f(Stored4(input[offsets.x], input[offsets.y], input[offsets.z], input[offsets.w]));
    }
    patches[local] = taken;
    workgroupBarrier();
    for (var step = 0u; step < STEP; step++) {
      let those = patches[16u * step + column];
      for (var quad = 0u; quad < QUADS; quad++) {
        let factors = weights[16u * (QUADS * step + quad) + line];
        sums[4u * quad] += factors.x * those;
        sums[4u * quad + 1u] += factors.y * those;
        sums[4u * quad + 2u] += factors.z * those;
        sums[4u * quad + 3u] += factors.w * those;
      }
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < 4u * QUADS; i++) {
    let channel = 4u * (first_quad + 16u * (i / 4u) + line) + i % 4u;
    let values = activated(sums[i]);
    for (var j = 0u; j < 4u; j++) {
      let n = first_pixel + 4u * column + j;
      if (channel < params.outputs && n < pixels) {
        output[source.w + (n / area * params.outputs + channel) * area + n % area] = Stored(values[j]);
      }
    }
  }
}
