// Gradients of depthwise_columns.wgsl with respect to weight and bias, in chunks that sum_chunks.wgsl adds up. An invocation takes
// a strip of rows of one map: gradient[ky, kx] = Σ_y,x incoming[y, x] · input[STRIDE_Y·y + ky − top, STRIDE_X·x + kx − left].
#include "depthwise_input_row.wgsl"

/// [images · strips, channels, KERNEL_HEIGHT · KERNEL_WIDTH]
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
/// [images · strips, channels]
@group(0) @binding(4) var<storage, read_write> bias_partial: array<f32>;

var<private> sums: array<f32, 25>;

/// Incoming gradients of four columns, the newest row and the four before it.
struct Rows {
  r0: vec4f,
  r1: vec4f,
  r2: vec4f,
  r3: vec4f,
  r4: vec4f,
}

/// Adds the products of incoming gradients and the input's row under row `ky` of the window.
fn add_products(ky: u32, gradients: vec4f, row: Row) {
  let tap = ky * KERNEL_WIDTH;
  sums[tap] += dot(gradients, met(row, 0u));
  if (KERNEL_WIDTH > 1u) {
    sums[tap + 1u] += dot(gradients, met(row, 1u));
  }
  if (KERNEL_WIDTH > 2u) {
    sums[tap + 2u] += dot(gradients, met(row, 2u));
  }
  if (KERNEL_WIDTH > 3u) {
    sums[tap + 3u] += dot(gradients, met(row, 3u));
  }
  if (KERNEL_WIDTH > 4u) {
    sums[tap + 4u] += dot(gradients, met(row, 4u));
  }
}

fn add_row(u: u32, rows: Rows, row: Row) {
  if (KERNEL_HEIGHT > u) {
    add_products(u, rows.r0, row);
  }
  if (KERNEL_HEIGHT > STRIDE_Y + u) {
    add_products(STRIDE_Y + u, rows.r1, row);
  }
  if (KERNEL_HEIGHT > 2u * STRIDE_Y + u) {
    add_products(2u * STRIDE_Y + u, rows.r2, row);
  }
  if (KERNEL_HEIGHT > 3u * STRIDE_Y + u) {
    add_products(3u * STRIDE_Y + u, rows.r3, row);
  }
  if (KERNEL_HEIGHT > 4u * STRIDE_Y + u) {
    add_products(4u * STRIDE_Y + u, rows.r4, row);
  }
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  let channel = i % params.inputs;
  let chunk = i / params.inputs;
  let first = chunk % params.strips * params.rows_a_strip;
  let map = chunk / params.strips * params.inputs + channel;
  let rows = min(params.rows_a_strip, params.out_height - first);
  let plane = Plane(map * params.height * params.width, params.height, params.width);
  var total = vec4f();
  for (var x = 0u; x < params.out_width; x += 4u) {
    let columns = columns_from(i32(STRIDE_X * x) - i32(params.left), params.width);
    var row = i32(STRIDE_Y * first) - i32(params.top);
    var gradients = Rows();
    for (var turn = 0u; turn < rows + SHARING - 1u; turn++) {
      let start = (map * params.out_height + first + min(turn, rows - 1u)) * params.out_width;
      gradients.r0 = select(vec4f(), incoming_four(start, x, params.out_width), turn < rows);
      total += gradients.r0;
      add_row(0u, gradients, read_row(plane, row, columns));
      if (STRIDE_Y == 2u) {
        add_row(1u, gradients, read_row(plane, row + 1, columns));
      }
      row += i32(STRIDE_Y);
      gradients = Rows(vec4f(), gradients.r0, gradients.r1, gradients.r2, gradients.r3);
    }
  }
  for (var tap = 0u; tap < 25u; tap++) { // unroll
    if (tap < KERNEL_HEIGHT * KERNEL_WIDTH) {
      partial[i * KERNEL_HEIGHT * KERNEL_WIDTH + tap] = sums[tap];
    }
  }
  bias_partial[i] = (total.x + total.y) + (total.z + total.w);
}
