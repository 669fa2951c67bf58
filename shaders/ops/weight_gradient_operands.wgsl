// What gradients of weights as products of matrices read and write: gradient[o, k] = Σ_n incoming[o, n] · patch[k, n] over a chunk's pixels n, k an
// input channel's tap. Pixels come in quads of a row. Maps are read as they lie. The kernel has `Stored` and `Stored4`.
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
  /// (first element of the input, its height, its width, 0), (first element of the incoming gradient, its height, its width, 0)
  levels: array<vec4u, 24>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Stored>;
@group(0) @binding(2) var<storage, read> incoming: array<Stored>;
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

/// Zero where there is none, and beyond a row's end.
fn incoming_at(quad: Place, channel: u32) -> vec4f {
  if (!quad.exists || channel >= params.outputs) {
    return vec4f();
  }
  let arrived = params.levels[3u * quad.level + 2u];
  let columns = 4u * quad.x + vec4u(0u, 1u, 2u, 3u);
  let row = arrived.x + ((quad.image * params.outputs + channel) * arrived.y + quad.y) * arrived.z;
  let at = row + min(columns, vec4u(arrived.z - 1u));
  let taken = vec4f(Stored4(incoming[at.x], incoming[at.y], incoming[at.z], incoming[at.w]));
  return select(vec4f(), taken, columns < vec4u(arrived.z));
}

/// Zero where there is none, and beyond the map. Unsigned: what is before it wraps round to numbers beyond it.
fn patch_at(quad: Place, k: u32) -> vec4f {
  if (!quad.exists || k >= params.inputs * TAPS) {
    return vec4f();
  }
  let source = params.levels[3u * quad.level + 1u];
  let tap = k % TAPS;
  let row = STRIDE * quad.y + tap / 3u - TAPS / 9u;
  let columns = STRIDE * (4u * quad.x + vec4u(0u, 1u, 2u, 3u)) + tap % 3u - TAPS / 9u;
  let inside = (columns < vec4u(source.z)) & vec4<bool>(row < source.y);
  let plane = source.x + (quad.image * params.inputs + k / TAPS) * source.y * source.z;
  let at = select(vec4u(), plane + row * source.z + columns, inside);
  return select(vec4f(), vec4f(Stored4(input[at.x], input[at.y], input[at.z], input[at.w])), inside);
}

fn store(sum: f32, channel: u32, k: u32, chunk: u32) {
  let own = params.inputs * TAPS;
  if (channel < params.outputs && k < own) {
    partial[(chunk * params.outputs + channel) * own + k] = sum;
  }
}
