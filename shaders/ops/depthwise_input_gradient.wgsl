// Gradient of depthwise_columns.wgsl with respect to its input. Column x of the map meets tap kx of output (x + left − kx) / STRIDE_X; where
// STRIDE_X is 2, the remainder of x + left is its phase. 4 · STRIDE_X columns of the gradient go down the map together. Row `row` of the
// outputs adds to rows STRIDE_Y · row + ky − top.
#include "depthwise_row.wgsl"

/// [channels, 1, KERNEL_HEIGHT, KERNEL_WIDTH]
@group(0) @binding(2) var<storage, read> weight: array<f32>;

/// Outputs of a row whose windows share a column.
override NEIGHBOURS: u32 = (KERNEL_WIDTH + STRIDE_X - 1u) / STRIDE_X;
/// The phase of columns whose number is even: the remainder of left by STRIDE_X.
override FIRST_PHASE: u32 = 0;

var<private> taps: array<f32, 25>;

/// The outputs that tap `phase + back · STRIDE_X` meets at four columns of a phase. Where phase 1 comes first, the columns of phase 0 meet one further.
fn before(row: Row, phase: u32, back: u32) -> vec4f {
  return pixels_from(row, NEIGHBOURS - 1u - back + select(0u, FIRST_PHASE, phase == 0u));
}

/// What row `ky` of the window gives the columns of a phase.
fn product(ky: u32, phase: u32, row: Row) -> vec4f {
  let tap = ky * KERNEL_WIDTH;
  var sum = vec4f();
  if (KERNEL_WIDTH > phase) {
    sum = taps[tap + phase] * before(row, phase, 0u);
  }
  if (KERNEL_WIDTH > phase + STRIDE_X) {
    sum += taps[tap + phase + STRIDE_X] * before(row, phase, 1u);
  }
  if (KERNEL_WIDTH > phase + 2u * STRIDE_X) {
    sum += taps[tap + phase + 2u * STRIDE_X] * before(row, phase, 2u);
  }
  if (KERNEL_WIDTH > phase + 3u * STRIDE_X) {
    sum += taps[tap + phase + 3u * STRIDE_X] * before(row, phase, 3u);
  }
  if (KERNEL_WIDTH > phase + 4u * STRIDE_X) {
    sum += taps[tap + phase + 4u * STRIDE_X] * before(row, phase, 4u);
  }
  return sum;
}

/// Sums of rows of the gradient, of one phase of the columns; the next to finish first.
struct Sums {
  s0: vec4f,
  s1: vec4f,
  s2: vec4f,
  s3: vec4f,
  s4: vec4f,
}

fn with_row(sums: Sums, phase: u32, row: Row) -> Sums {
  var found = sums;
  found.s0 += product(0u, phase, row);
  if (KERNEL_HEIGHT > 1u) {
    found.s1 += product(1u, phase, row);
  }
  if (KERNEL_HEIGHT > 2u) {
    found.s2 += product(2u, phase, row);
  }
  if (KERNEL_HEIGHT > 3u) {
    found.s3 += product(3u, phase, row);
  }
  if (KERNEL_HEIGHT > 4u) {
    found.s4 += product(4u, phase, row);
  }
  return found;
}

/// The sums once STRIDE_Y rows are done.
fn shifted(sums: Sums) -> Sums {
  if (STRIDE_Y == 1u) {
    return Sums(sums.s1, sums.s2, sums.s3, sums.s4, vec4f());
  }
  return Sums(sums.s2, sums.s3, sums.s4, vec4f(), vec4f());
}

/// Writes a row from column `x` on: sums of the columns of phase 0 and 1.
fn store_row(map: u32, y: i32, x: u32, zero: vec4f, one: vec4f) {
  if (y < 0 || y >= i32(params.height)) {
    return;
  }
  let at = (map * params.height + u32(y)) * params.width + x;
  if (STRIDE_X == 1u) {
    store_four(at, x, params.width, zero);
    return;
  }
  let even = select(zero, one, FIRST_PHASE == 1u);
  let odd = select(one, zero, FIRST_PHASE == 1u);
  store_four(at, x, params.width, vec4f(even.x, odd.x, even.y, odd.y));
  store_four(at + 4u, x + 4u, params.width, vec4f(even.z, odd.z, even.w, odd.w));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  // The gradient's rows in blocks of a stride each, counted from the padding's edge.
  let blocks = (params.height - 1u + params.top) / STRIDE_Y + 1u;
  let groups = (params.width + 4u * STRIDE_X - 1u) / (4u * STRIDE_X);
  let x = i % groups * 4u * STRIDE_X;
  let first = i / groups % params.strips * params.rows_a_strip;
  let map = i / (groups * params.strips);
  let channel = map % params.inputs;
  for (var tap = 0u; tap < KERNEL_HEIGHT * KERNEL_WIDTH; tap++) {
    taps[tap] = weight[channel * KERNEL_HEIGHT * KERNEL_WIDTH + tap];
  }
  let plane = Plane(map * params.out_height * params.out_width, params.out_height, params.out_width);
  let columns = columns_from(i32((x + params.left) / STRIDE_X) - i32(NEIGHBOURS) + 1, params.out_width);
  let end = i32(min(blocks, first + params.rows_a_strip));
  var zero = Sums();
  var one = Sums();
  for (var row = i32(first) - i32(SHARING) + 1; row < end; row++) {
    let own = read_row(plane, row, columns);
    zero = with_row(zero, 0u, own);
    if (STRIDE_X == 2u) {
      one = with_row(one, 1u, own);
    }
    if (row >= i32(first)) {
      let y = i32(STRIDE_Y) * row - i32(params.top);
      store_row(map, y, x, zero.s0, one.s0);
      if (STRIDE_Y == 2u) {
        store_row(map, y + 1, x, zero.s1, one.s1);
      }
    }
    zero = shifted(zero);
    one = shifted(one);
  }
}
