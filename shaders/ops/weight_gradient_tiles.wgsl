// Gradient of a 3×3 or 1×1 convolution with respect to its weight as a product of matrices, for GPUs, in chunks that sum_chunks.wgsl adds up:
// gradient[o, k] = Σ_n incoming[o, n] · patch[k, n] over a chunk's pixels n, k an input channel's tap. A workgroup of 256 invocations
// computes 64 channels × 64 k. Four quads of pixels at a time go through workgroup memory; an invocation keeps 4 × 4 sums.
override TAPS: u32 = 9;
override STRIDE: u32 = 1;

const STEP = 4u;

struct Params {
  inputs: u32,
  outputs: u32,
  /// of four pixels, all levels and images
  quads: u32,
  quads_a_chunk: u32,
  level_count: u32,
  /// three entries a level: (first quad, quads an image, quads a row, 0),
  /// (first vec4 of the input, its rows, its vec4 a row, 0), (first vec4 of the incoming gradient, its rows, its vec4 a row, 0)
  levels: array<vec4u, 24>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows
@group(0) @binding(1) var<storage, read> input: array<Stored>;
/// aligned rows, zero beyond a row's end
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;
/// [chunks, outputs, inputs, taps]
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

/// [channel][quad]
var<workgroup> gradients: array<vec4f, 256>;
/// [k][quad]
var<workgroup> patches: array<vec4f, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let own = params.inputs * TAPS;
  // It loads quad `local % 4` of each step, of one channel and of one k.
  let channel = 64u * workgroup.y + local / STEP;
  let k = 64u * workgroup.x + local / STEP;
  let tap = k % TAPS;
  // It computes channels line, line + 16, … and k column, column + 16, …
  let column = local % 16u;
  let line = local / 16u;

  var sums: array<vec4f, 4>;
  let begin = workgroup.z * params.quads_a_chunk;
  let end = min(params.quads, begin + params.quads_a_chunk);
  for (var start = begin; start < end; start += STEP) {
    let quad = start + local % STEP;
    var gradient = vec4f();
    var taken = vec4f();
    if (quad < end) {
      var level = 0u;
      while (level + 1u < params.level_count && quad >= params.levels[3u * level + 3u].x) {
        level++;
      }
      let size = params.levels[3u * level];
      let source = params.levels[3u * level + 1u];
      let arrived = params.levels[3u * level + 2u];
      let image = (quad - size.x) / size.y;
      let inside = (quad - size.x) % size.y;
      let y = inside / size.z;
      let x = inside % size.z;
      if (channel < params.outputs) {
        gradient = vec4f(incoming[arrived.x + ((image * params.outputs + channel) * arrived.y + y) * arrived.z + x]);
      }
      if (k < own) {
        let row = (image * params.inputs + k / TAPS) * source.y + STRIDE * y + tap / 3u;
        let at = 4u * (source.x + row * source.z) + 4u * STRIDE * x + tap % 3u;
        taken = vec4f(Stored4(input[at], input[at + STRIDE], input[at + 2u * STRIDE], input[at + 3u * STRIDE]));
      }
    }
    gradients[local] = gradient;
    patches[local] = taken;
    workgroupBarrier();
    for (var step = 0u; step < STEP; step++) {
      let p0 = patches[STEP * column + step];
      let p1 = patches[STEP * (column + 16u) + step];
      let p2 = patches[STEP * (column + 32u) + step];
      let p3 = patches[STEP * (column + 48u) + step];
      for (var i = 0u; i < 4u; i++) {
        let g = gradients[STEP * (line + 16u * i) + step];
        sums[i] += vec4f(dot(g, p0), dot(g, p1), dot(g, p2), dot(g, p3));
      }
    }
    workgroupBarrier();
  }

  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      let o = 64u * workgroup.y + line + 16u * i;
      let to = 64u * workgroup.x + column + 16u * j;
      if (o < params.outputs && to < own) {
        partial[(workgroup.z * params.outputs + o) * own + to] = sums[i][j];
      }
    }
  }
}
