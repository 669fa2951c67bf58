// A 3×3 convolution of stride 1 of all levels by minimal filtering, F(2×2, 3×3) (Lavin & Gray, CVPR 2016, section 4.1), for GPUs: 16 products for
// each 2×2 pixels and input channel in place of 36. Y = Aᵀ [ Σ_c (G g_c Gᵀ) ⊙ (Bᵀ d_c B) ] A, with d a patch of 4×4. A workgroup of 256 invocations
// computes 32 channels of 16 such tiles. STEP input channels at a time go through workgroup memory, transformed; an invocation keeps one row of the
// 4×4 products for four channels and two tiles.

const STEP = 4u;
const TILES = 16u;
const CHANNELS = 32u;

struct Params {
  inputs: u32,
  outputs: u32,
  batch: u32,
  /// of TILES tiles, all levels
  groups: u32,
  has_bias: u32,
  level_count: u32,
  /// two entries a level: (first group, tiles a row, output height, output width),
  /// (first element of the input, its height, its width, first element of the output)
  levels: array<vec4u, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
/// of winograd_weight.wgsl
@group(0) @binding(2) var<storage, read> weight: array<vec4f>;
/// [outputs], with has_bias
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Stored>;

/// [channel of the step, row][output channel]; at the end [channel, row][quad of channels, pair of tiles]: (column 0, 1 of each tile)
var<workgroup> weights: array<vec4f, 512>;
/// [channel of the step, row][tile]
var<workgroup> patches: array<vec4f, 256>;

#include "activated.wgsl"

/// Four pixels of a row, zero beyond the map. Unsigned: what is before it wraps round to numbers beyond it.
fn four_at(plane: u32, row: u32, column: u32, source: vec4u) -> vec4f {
  let columns = column + vec4u(0u, 1u, 2u, 3u);
  let inside = (columns < vec4u(source.z)) & vec4<bool>(row < source.y);
  let at = select(vec4u(), plane + row * source.z + columns, inside);
  return select(vec4f(), vec4f(Stored4(input[at.x], input[at.y], input[at.z], input[at.w])), inside);
}

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
  let image_tiles = to.y * ((to.z + 1u) / 2u);
  let tiles = params.batch * image_tiles;
  let area = source.y * source.z;
  let first_tile = TILES * (group - to.x);
  let first_channel = CHANNELS * workgroup.y;

  // This invocation loads one row of a tile, of one channel of each step: Bᵀ d is a row plus or minus another.
  let row = local / TILES % 4u;
  let step_channel = local / (4u * TILES);
  let minuend = vec4u(0u, 1u, 2u, 1u)[row];
  let other = vec4u(2u, 2u, 1u, 3u)[row];
  let sign = select(-1.0, 1.0, row == 1u);
  // Tiles after the last repeat it and are not stored; nor is what the row after the last makes.
  let n = min(first_tile + local % TILES, tiles - 1u);
  let at = n % image_tiles;
  let top = 2u * (at / to.y) - 1u;
  let left = 2u * (at % to.y) - 1u;
  let first_plane = source.x + n / image_tiles * params.inputs * area;

  // And it adds the products of a row, by columns: four channels × two tiles.
  let own_row = local / 64u;
  let quad = local % 64u / 8u;
  let pair = local % 8u;
  var sums: array<vec4f, 8>;
  for (var start = 0u; start < params.inputs; start += STEP) {
    let c = start + step_channel;
    var d = vec4f();
    if (c < params.inputs) {
      let plane = first_plane + c * area;
      d = four_at(plane, top + minuend, left, source) + sign * four_at(plane, top + other, left, source);
    }
    patches[local] = vec4f(d.x - d.z, d.y + d.z, d.z - d.y, d.y - d.w);
    for (var i = local; i < CHANNELS * STEP * 4u; i += 256u) {
      let line = i % (STEP * 4u);
      let channel = first_channel + i / (STEP * 4u);
      var taken = vec4f();
      if (channel < params.outputs && start + line / 4u < params.inputs) {
        taken = weight[4u * (channel * params.inputs + start) + line];
      }
      weights[line * CHANNELS + i / (STEP * 4u)] = taken;
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let line = 4u * k + own_row;
      let first = patches[line * TILES + 2u * pair];
      let second = patches[line * TILES + 2u * pair + 1u];
      for (var i = 0u; i < 4u; i++) {
        let factors = weights[line * CHANNELS + 4u * quad + i];
        sums[2u * i] += factors * first;
        sums[2u * i + 1u] += factors * second;
      }
    }
    workgroupBarrier();
  }

  // Aᵀ … A: columns in registers, rows through workgroup memory, two of an invocation's four channels at a time.
  for (var half = 0u; half < 2u; half++) {
    for (var i = 0u; i < 2u; i++) {
      let a = sums[4u * half + 2u * i];
      let b = sums[4u * half + 2u * i + 1u];
      weights[(4u * i + own_row) * 64u + local % 64u] =
        vec4f(a.x + a.y + a.z, a.y - a.z - a.w, b.x + b.y + b.z, b.y - b.z - b.w);
    }
    workgroupBarrier();
    let i = local / 64u % 2u;
    let bottom = local / 128u;
    let inner = vec2u(1u, 2u) + 4u * i;
    let outer = weights[(4u * i + 3u * bottom) * 64u + local % 64u];
    let upper = weights[inner.x * 64u + local % 64u];
    let lower = weights[inner.y * 64u + local % 64u];
    let channel = first_channel + 4u * quad + 2u * half + i;
    if (channel < params.outputs) {
      var shift = 0.0;
      if (params.has_bias == 1u) {
        shift = bias[channel];
      }
      store(activated(shift + select(outer + upper + lower, upper - lower - outer, bottom == 1u)), channel, first_tile + 2u * pair, bottom, level);
    }
    workgroupBarrier();
  }
}

/// Stores a row of two tiles.
fn store(values: vec4f, channel: u32, first: u32, bottom: u32, level: u32) {
  let to = params.levels[2u * level];
  let image_tiles = to.y * ((to.z + 1u) / 2u);
  for (var k = 0u; k < 2u; k++) {
    let n = first + k;
    let at = n % image_tiles;
    let y = 2u * (at / to.y) + bottom;
    let x = 2u * (at % to.y);
    if (n >= params.batch * image_tiles || y >= to.z) {
      continue;
    }
    let place = params.levels[2u * level + 1u].w + ((n / image_tiles * params.outputs + channel) * to.z + y) * to.w + x;
    output[place] = Stored(values[2u * k]);
    if (x + 1u < to.w) {
      output[place + 1u] = Stored(values[2u * k + 1u]);
    }
  }
}
