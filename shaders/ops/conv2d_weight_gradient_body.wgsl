// Gradient of a 3×3 convolution with respect to its weight, in chunks that sum_chunks.wgsl adds up:
// gradient[o, i, ky, kx] = Σ_images,y,x incoming[o, y, x] · input[i, STRIDE·y + ky, STRIDE·x + kx] (input with its border).
// An invocation takes one input channel, eight output channels, all taps and one chunk, going down a column of four pixels to read each row
// of the input once. Strips of ROWS rows, over all levels and images, are shared out among the chunks.
override STRIDE: u32 = 1;

const ROWS = 8u;

struct Params {
  inputs: u32,
  outputs: u32,
  chunks: u32,
  strips: u32,
  strips_a_chunk: u32,
  level_count: u32,
  /// three entries a level: (first strip, strips an image, height, vec4 columns of the incoming gradient),
  /// (first vec4 of the input, its rows, its vec4 a row, 0), (first vec4 of the incoming gradient, its rows, its vec4 a row, 0)
  levels: array<vec4u, 24>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// aligned rows
@group(0) @binding(1) var<storage, read> input: array<Stored4>;
/// aligned rows
@group(0) @binding(2) var<storage, read> incoming: array<Stored4>;
/// [chunks, outputs, inputs, 9]
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;

/// What the taps of a row meet at four consecutive output pixels.
struct Row {
  left: vec4f,
  middle: vec4f,
  right: vec4f,
}

fn read_row(at: u32) -> Row {
  let a = vec4f(input[at]);
  let b = vec4f(input[at + 1u]);
  if (STRIDE == 1u) {
    return Row(a, vec4f(a.yzw, b.x), vec4f(a.zw, b.xy));
  }
  let c = vec4f(input[at + 2u]);
  return Row(vec4f(a.xz, b.xz), vec4f(a.yw, b.yw), vec4f(a.z, b.xz, c.x));
}

fn products(pixels: vec4f, row: Row) -> vec3f {
  return vec3f(dot(pixels, row.left), dot(pixels, row.middle), dot(pixels, row.right));
}

fn accumulate(sum: mat3x3f, pixels: vec4f, top: Row, middle: Row, bottom: Row) -> mat3x3f {
  return mat3x3f(
    sum[0] + products(pixels, top),
    sum[1] + products(pixels, middle),
    sum[2] + products(pixels, bottom),
  );
}

/// Not in a loop over the channels, in which the kernel took 1.1 times as long on SwiftShader.
fn store(chunk: u32, output: u32, input: u32, sum: mat3x3f) {
  if (output >= params.outputs) {
    return;
  }
  let start = ((chunk * params.outputs + output) * params.inputs + input) * 9u;
  store_taps(start, sum[0]);
  store_taps(start + 3u, sum[1]);
  store_taps(start + 6u, sum[2]);
}

fn store_taps(start: u32, taps: vec3f) {
  partial[start] = taps.x;
  partial[start + 1u] = taps.y;
  partial[start + 2u] = taps.z;
}

/// `own_channel`: of the input, those beyond the last doing as it does; `first`: output channel.
fn weight_gradient(own_channel: u32, first: u32, chunk: u32, lane: u32) {
  let channel = min(own_channel, params.inputs - 1u);
  let last = params.outputs - 1u - first;

  var sum0 = mat3x3f();
  var sum1 = mat3x3f();
  var sum2 = mat3x3f();
  var sum3 = mat3x3f();
  var sum4 = mat3x3f();
  var sum5 = mat3x3f();
  var sum6 = mat3x3f();
  var sum7 = mat3x3f();
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
    let y = ROWS * ((strip - size.x) % size.y);
    let rows = min(ROWS, size.z - y);
    let plane = grads.y * grads.z;
    for (var column = 0u; column < size.w; column++) {
      var at = source.x + ((image * params.inputs + channel) * source.y + STRIDE * y) * source.z + STRIDE * column;
      var to = grads.x + (image * params.outputs + first) * plane + y * grads.z + column;
      var top = read_row(at);
      var middle = read_row(at + source.z);
      for (var row = 0u; row < rows; row++) {
        let bottom = read_row(at + 2u * source.z);
        let pixels = read_incoming(to, plane, last, lane);
        sum0 = accumulate(sum0, channel0(pixels), top, middle, bottom);
        sum1 = accumulate(sum1, channel1(pixels), top, middle, bottom);
        sum2 = accumulate(sum2, channel2(pixels), top, middle, bottom);
        sum3 = accumulate(sum3, channel3(pixels), top, middle, bottom);
        sum4 = accumulate(sum4, channel4(pixels), top, middle, bottom);
        sum5 = accumulate(sum5, channel5(pixels), top, middle, bottom);
        sum6 = accumulate(sum6, channel6(pixels), top, middle, bottom);
        sum7 = accumulate(sum7, channel7(pixels), top, middle, bottom);
        at += STRIDE * source.z;
        to += grads.z;
        if (STRIDE == 1u) {
          top = middle;
          middle = bottom;
        } else {
          top = bottom;
          middle = read_row(at + source.z);
        }
      }
    }
  }
  if (own_channel < params.inputs) {
    store(chunk, first, channel, sum0);
    store(chunk, first + 1u, channel, sum1);
    store(chunk, first + 2u, channel, sum2);
    store(chunk, first + 3u, channel, sum3);
    store(chunk, first + 4u, channel, sum4);
    store(chunk, first + 5u, channel, sum5);
    store(chunk, first + 6u, channel, sum6);
    store(chunk, first + 7u, channel, sum7);
  }
}
