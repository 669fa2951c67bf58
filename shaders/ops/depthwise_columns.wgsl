// Convolution of each channel by itself, windows of up to 5×5 pixels: four outputs of a row go down the map together.
#include "depthwise_input_row.wgsl"
#include "activated.wgsl"

/// [channels, 1, KERNEL_HEIGHT, KERNEL_WIDTH]
@group(0) @binding(2) var<storage, read> weight: array<f32>;
/// [channels], read if has_bias
@group(0) @binding(3) var<storage, read> bias: array<f32>;
var<private> taps: array<f32, 25>;

/// What row `ky` of the window gives the four outputs.
fn product(ky: u32, row: Row) -> vec4f {
  let tap = ky * KERNEL_WIDTH;
  var sum = taps[tap] * met(row, 0u);
  if (KERNEL_WIDTH > 1u) {
    sum += taps[tap + 1u] * met(row, 1u);
  }
  if (KERNEL_WIDTH > 2u) {
    sum += taps[tap + 2u] * met(row, 2u);
  }
  if (KERNEL_WIDTH > 3u) {
    sum += taps[tap + 3u] * met(row, 3u);
  }
  if (KERNEL_WIDTH > 4u) {
    sum += taps[tap + 4u] * met(row, 4u);
  }
  return sum;
}

/// Sums of the rows under way, the newest first.
struct Sums {
  s0: vec4f,
  s1: vec4f,
  s2: vec4f,
  s3: vec4f,
  s4: vec4f,
}

fn with_row(sums: Sums, u: u32, row: Row) -> Sums {
  var found = sums;
  if (KERNEL_HEIGHT > u) {
    found.s0 += product(u, row);
  }
  if (KERNEL_HEIGHT > STRIDE_Y + u) {
    found.s1 += product(STRIDE_Y + u, row);
  }
  if (KERNEL_HEIGHT > 2u * STRIDE_Y + u) {
    found.s2 += product(2u * STRIDE_Y + u, row);
  }
  if (KERNEL_HEIGHT > 3u * STRIDE_Y + u) {
    found.s3 += product(3u * STRIDE_Y + u, row);
  }
  if (KERNEL_HEIGHT > 4u * STRIDE_Y + u) {
    found.s4 += product(4u * STRIDE_Y + u, row);
  }
  return found;
}

fn oldest(sums: Sums) -> vec4f {
  switch (SHARING) {
    case 1u: {
      return sums.s0;
    }
    case 2u: {
      return sums.s1;
    }
    case 3u: {
      return sums.s2;
    }
    case 4u: {
      return sums.s3;
    }
    default: {
      return sums.s4;
    }
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let groups = (params.out_width + 3u) / 4u;
  let x = i % groups * 4u;
  let first = i / groups % params.strips * params.rows_a_strip;
  let map = i / (groups * params.strips);
  let channel = map % params.inputs;
  for (var tap = 0u; tap < KERNEL_HEIGHT * KERNEL_WIDTH; tap++) {
    taps[tap] = weight[channel * KERNEL_HEIGHT * KERNEL_WIDTH + tap];
  }
  var start = vec4f();
  if (params.has_bias != 0u) {
    start = vec4f(bias[channel]);
  }
  let plane = Plane(map * params.height * params.width, params.height, params.width);
  let columns = columns_from(i32(STRIDE_X * x) - i32(params.left), params.width);
  var row = i32(STRIDE_Y * first) - i32(params.top);
  let rows = min(params.rows_a_strip, params.out_height - first);
  var sums = Sums();
  for (var turn = 0u; turn < rows + SHARING - 1u; turn++) {
    sums.s0 = start;
    sums = with_row(sums, 0u, read_row(plane, row, columns));
    if (STRIDE_Y == 2u) {
      sums = with_row(sums, 1u, read_row(plane, row + 1, columns));
    }
    row += i32(STRIDE_Y);
    if (turn + 1u >= SHARING) {
      let at = (map * params.out_height + first + turn + 1u - SHARING) * params.out_width + x;
      store_four(at, x, params.out_width, activated(oldest(sums)));
    }
    sums = Sums(vec4f(), sums.s0, sums.s1, sums.s2, sums.s3);
  }
}
