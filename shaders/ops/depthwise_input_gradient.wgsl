// Gradient of depthwise_columns.wgsl with respect to its input. Column x of the map meets tap kx of output (x + left − kx) / STRIDE_X:
// four outputs c and their STRIDE_X columns each, STRIDE_X · c + phase − left, go down the map together. Row `row` of the outputs
// adds to rows STRIDE_Y · row + ky − top.
#include "depthwise_row.wgsl"

/// [images · channels, out_height, out_width]
@group(0) @binding(1) var<storage, read> incoming: array<f32>;
/// [channels, 1, KERNEL_HEIGHT, KERNEL_WIDTH]
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

/// Outputs of a row whose windows share a column.
override NEIGHBOURS: u32 = (KERNEL_WIDTH + STRIDE_X - 1u) / STRIDE_X;

var<private> taps: array<f32, 25>;

/// The four outputs c and NEIGHBOURS − 1 before them, zero outside the map.
fn read_row(plane: i32, row: i32, columns: Columns) -> Row {
  let start = plane + clamp(row, 0, i32(params.out_height) - 1) * i32(params.out_width);
  let a = start + columns.a;
  let b = start + columns.b;
  var found = Row(vec4f(incoming[a.x], incoming[a.y], incoming[a.z], incoming[a.w]), vec4f(), vec4f());
  if (NEIGHBOURS > 1u) {
    found.b.x = incoming[b.x];
  }
  if (NEIGHBOURS > 2u) {
    found.b.y = incoming[b.y];
  }
  if (NEIGHBOURS > 3u) {
    found.b.z = incoming[b.z];
  }
  if (NEIGHBOURS > 4u) {
    found.b.w = incoming[b.w];
  }
  let in_rows = vec4<bool>(row >= 0 && row < i32(params.out_height));
  return Row(
    select(vec4f(), found.a, columns.in_a & in_rows),
    select(vec4f(), found.b, columns.in_b & in_rows),
    vec4f(),
  );
}

/// Outputs c − back.
fn before(row: Row, back: u32) -> vec4f {
  switch (NEIGHBOURS - 1u - back) {
    case 0u: {
      return row.a;
    }
    case 1u: {
      return vec4f(row.a.yzw, row.b.x);
    }
    case 2u: {
      return vec4f(row.a.zw, row.b.xy);
    }
    case 3u: {
      return vec4f(row.a.w, row.b.xyz);
    }
    default: {
      return row.b;
    }
  }
}

/// What row `ky` of the window gives the columns of a phase.
fn product(ky: u32, phase: u32, row: Row) -> vec4f {
  let tap = ky * KERNEL_WIDTH;
  var sum = vec4f();
  if (KERNEL_WIDTH > phase) {
    sum = taps[tap + phase] * before(row, 0u);
  }
  if (KERNEL_WIDTH > phase + STRIDE_X) {
    sum += taps[tap + phase + STRIDE_X] * before(row, 1u);
  }
  if (KERNEL_WIDTH > phase + 2u * STRIDE_X) {
    sum += taps[tap + phase + 2u * STRIDE_X] * before(row, 2u);
  }
  if (KERNEL_WIDTH > phase + 3u * STRIDE_X) {
    sum += taps[tap + phase + 3u * STRIDE_X] * before(row, 3u);
  }
  if (KERNEL_WIDTH > phase + 4u * STRIDE_X) {
    sum += taps[tap + phase + 4u * STRIDE_X] * before(row, 4u);
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

fn store(map: u32, y: i32, x: i32, value: f32) {
  if (x >= 0 && x < i32(params.width)) {
    gradient[i32(map * params.height * params.width) + y * i32(params.width) + x] = value;
  }
}

/// Writes a row; `x`: column of phase 0 of the first output.
fn store_row(map: u32, y: i32, x: i32, even: vec4f, odd: vec4f) {
  if (y < 0 || y >= i32(params.height)) {
    return;
  }
  if (STRIDE_X == 1u) {
    store(map, y, x, even.x);
    store(map, y, x + 1, even.y);
    store(map, y, x + 2, even.z);
    store(map, y, x + 3, even.w);
    return;
  }
  store(map, y, x, even.x);
  store(map, y, x + 1, odd.x);
  store(map, y, x + 2, even.y);
  store(map, y, x + 3, odd.y);
  store(map, y, x + 4, even.z);
  store(map, y, x + 5, odd.z);
  store(map, y, x + 6, even.w);
  store(map, y, x + 7, odd.w);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  // The gradient in blocks of a stride each, counted from the padding's edge.
  let blocks = (params.height - 1u + params.top) / STRIDE_Y + 1u;
  let groups = ((params.width - 1u + params.left) / STRIDE_X + 4u) / 4u;
  let c = i % groups * 4u;
  let first = i / groups % params.strips * params.rows_a_strip;
  let map = i / (groups * params.strips);
  let channel = map % params.inputs;
  for (var tap = 0u; tap < KERNEL_HEIGHT * KERNEL_WIDTH; tap++) {
    taps[tap] = weight[channel * KERNEL_HEIGHT * KERNEL_WIDTH + tap];
  }
  let plane = i32(map * params.out_height * params.out_width);
  let columns = columns_from(i32(c) - i32(NEIGHBOURS) + 1, params.out_width);
  let x = i32(STRIDE_X * c) - i32(params.left);
  let end = i32(min(blocks, first + params.rows_a_strip));
  var even = Sums();
  var odd = Sums();
  for (var row = i32(first) - i32(SHARING) + 1; row < end; row++) {
    let own = read_row(plane, row, columns);
    even = with_row(even, 0u, own);
    if (STRIDE_X == 2u) {
      odd = with_row(odd, 1u, own);
    }
    if (row >= i32(first)) {
      let y = i32(STRIDE_Y) * row - i32(params.top);
      store_row(map, y, x, even.s0, odd.s0);
      if (STRIDE_Y == 2u) {
        store_row(map, y + 1, x, even.s1, odd.s1);
      }
    }
    even = shifted(even);
    odd = shifted(odd);
  }
}
