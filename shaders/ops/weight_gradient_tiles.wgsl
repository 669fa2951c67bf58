// Gradient of a 3×3 or 1×1 convolution with respect to its weight as a product of matrices, for GPUs, in chunks that sum_chunks.wgsl adds up.
// A workgroup of 256 invocations computes 4 · LINES channels × 4 · COLUMNS k: 64 × 64, or, for few channels, 32 × 128. Four quads of pixels at a time go
// through workgroup memory; an invocation keeps 4 × 4 sums. While a step is computed the next one is read.
#include "weight_gradient_operands.wgsl"

/// Invocations that share k, 16 or 8, and those that share channels.
override LINES: u32 = 16;
override COLUMNS: u32 = 256u / LINES;
override GRADIENTS: u32 = 16u * LINES;
override PATCHES: u32 = 16u * COLUMNS;

const STEP = 4u;

/// [channel][quad]
var<workgroup> gradients: array<vec4f, GRADIENTS>;
/// [k][quad]
var<workgroup> patches: array<vec4f, PATCHES>;

/// What an invocation reads of a step: quad `local % 4` of one channel, and of one k, or two.
struct Share {
  gradient: vec4f,
  patches: array<vec4f, 2>,
}

fn share_of(start: u32, end: u32, workgroup: vec3u, local: u32) -> Share {
  let quad = place_of(start + local % STEP, end);
  var share: Share;
  if (local / STEP < 4u * LINES) {
    share.gradient = incoming_at(quad, 4u * LINES * workgroup.y + local / STEP);
  }
  for (var i = 0u; i < COLUMNS / 16u; i++) {
    share.patches[i] = patch_at(quad, 4u * COLUMNS * workgroup.x + local / STEP + 64u * i);
  }
  return share;
}

fn keep(share: Share, local: u32) {
  if (local / STEP < 4u * LINES) {
    gradients[local] = share.gradient;
  }
  for (var i = 0u; i < COLUMNS / 16u; i++) {
    patches[local + 256u * i] = share.patches[i];
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  // It computes channels line, line + LINES, … and k column, column + COLUMNS, …
  let column = local % COLUMNS;
  let line = local / COLUMNS;

  var sums: array<vec4f, 4>;
  let begin = workgroup.z * params.quads_a_chunk;
  let end = min(params.quads, begin + params.quads_a_chunk);
  var share = share_of(begin, end, workgroup, local);
  for (var start = begin; start < end; start += STEP) {
    keep(share, local);
    workgroupBarrier();
    share = share_of(start + STEP, end, workgroup, local);
    for (var step = 0u; step < STEP; step++) {
      let p0 = patches[STEP * column + step];
      let p1 = patches[STEP * (column + COLUMNS) + step];
      let p2 = patches[STEP * (column + 2u * COLUMNS) + step];
      let p3 = patches[STEP * (column + 3u * COLUMNS) + step];
      for (var i = 0u; i < 4u; i++) {
        let g = gradients[STEP * (line + LINES * i) + step];
        sums[i] += vec4f(dot(g, p0), dot(g, p1), dot(g, p2), dot(g, p3));
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      store(sums[i][j], 4u * LINES * workgroup.y + line + LINES * i, 4u * COLUMNS * workgroup.x + column + COLUMNS * j, workgroup.z);
    }
  }
}
