// What gradients of weights as products of matrices read and write: gradient[o, k] = Σ_n incoming[o, n] · patch[k, n] over a chunk's pixels n, k an
// input channel's tap. Pixels come in quads. The kernel has `Stored` and `Stored4`.
override TAPS: u32 = 9;
override STRIDE: u32 = 1;

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

/// Where a quad lies.
struct Place {
  /// not after the end of the chunk
  exists: bool,
  level: u32,
  image: u32,
  y: u32,
  /// in quads
  x: u32,
}

fn place_of(quad: u32, end: u32) -> Place {
  if (quad >= end) {
    return Place();
  }
  var level = 0u;
  while (level + 1u < params.level_count && quad >= params.levels[3u * level + 3u].x) {
    level++;
  }
  let size = params.levels[3u * level];
  let inside = (quad - size.x) % size.y;
  return Place(true, level, (quad - size.x) / size.y, inside / size.z, inside % size.z);
}

/// Zero where there is none.
fn incoming_at(quad: Place, channel: u32) -> vec4f {
  if (!quad.exists || channel >= params.outputs) {
    return vec4f();
  }
  let arrived = params.levels[3u * quad.level + 2u];
  return vec4f(incoming[arrived.x + ((quad.image * params.outputs + channel) * arrived.y + quad.y) * arrived.z + quad.x]);
}

/// Likewise.
fn patch_at(quad: Place, k: u32) -> vec4f {
  if (!quad.exists || k >= params.inputs * TAPS) {
    return vec4f();
  }
  let source = params.levels[3u * quad.level + 1u];
  let tap = k % TAPS;
  let row = (quad.image * params.inputs + k / TAPS) * source.y + STRIDE * quad.y + tap / 3u;
  let at = 4u * (source.x + row * source.z) + 4u * STRIDE * quad.x + tap % 3u;
  return vec4f(Stored4(input[at], input[at + STRIDE], input[at + 2u * STRIDE], input[at + 3u * STRIDE]));
}

fn store(sum: f32, channel: u32, k: u32, chunk: u32) {
  let own = params.inputs * TAPS;
  if (channel < params.outputs && k < own) {
    partial[(chunk * params.outputs + channel) * own + k] = sum;
  }
}
