// A 3×3 or 1×1 convolution of all levels as a product of matrices, for GPUs. A workgroup of 256 invocations computes QUADS · 4 · LINES channels × 4 · COLUMNS
// pixels: 64 × 64, 128 × 64, or, for few channels, 32 × 128. STEP values of k at a time go through workgroup memory; an invocation keeps QUADS · 4 × 4 sums.
// While a step is computed the next one is read.
/// vec4 of channels of an invocation, 1 or 2
override QUADS: u32 = 1;
/// Invocations that share a quad of pixels, 16 or 8, and those that share channels.
override LINES: u32 = 16;
override COLUMNS: u32 = 256u / LINES;
override WEIGHTS: u32 = 16u * LINES * QUADS;
override PATCHES: u32 = 16u * COLUMNS;

const STEP = 16u;

#include "convolution_operands.wgsl"

/// [k][vec4 of channels]
var<workgroup> weights: array<vec4f, WEIGHTS>;
/// [k][vec4 of pixels]
var<workgroup> patches: array<vec4f, PATCHES>;

/// What an invocation reads of a step: a quad of pixels at one k, or at two; and at another k one or two quads of channels, whose neighbours in memory
/// its neighbours read.
struct Share {
  pixels: array<vec4f, 2>,
  channels: array<vec4f, 2>,
}

fn share_of(own: Patches, start: u32, first_quad: u32, source: vec4u, local: u32) -> Share {
  var share: Share;
  for (var i = 0u; i < COLUMNS / 16u; i++) {
    share.pixels[i] = patches_at(own, start + local / COLUMNS + LINES * i, source);
  }
  for (var quad = 0u; quad < QUADS; quad++) {
    if (local / STEP < LINES) {
      share.channels[quad] = weights_at(first_quad + LINES * quad + local / STEP, start + local % STEP);
    }
  }
  return share;
}

fn keep(share: Share, local: u32) {
  for (var i = 0u; i < COLUMNS / 16u; i++) {
    patches[local + 256u * i] = share.pixels[i];
  }
  for (var quad = 0u; quad < QUADS; quad++) {
    if (local / STEP < LINES) {
      weights[LINES * (QUADS * (local % STEP) + quad) + local / STEP] = share.channels[quad];
    }
  }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.z * workgroups.x + workgroup.x;
  if (group >= params.groups) {
    return;
  }
  let level = level_of_group(group);
  let source = params.levels[2u * level + 1u];
  let first_quad = LINES * QUADS * workgroup.y;
  let column = local % COLUMNS;
  let line = local / COLUMNS;
  let first_pixel = 4u * (COLUMNS * (group - params.levels[2u * level].x) + column);
  let own_patches = patches_of(first_pixel, level);

  var sums: array<vec4f, 8>;
  for (var quad = 0u; quad < QUADS; quad++) {
    for (var i = 0u; i < 4u; i++) {
      sums[4u * quad + i] = vec4f(bias_at(4u * (first_quad + LINES * quad + line) + i));
    }
  }
  var share = share_of(own_patches, 0u, first_quad, source, local);
  for (var start = 0u; start < params.inputs * TAPS; start += STEP) {
    keep(share, local);
    workgroupBarrier();
    share = share_of(own_patches, start + STEP, first_quad, source, local);
    for (var step = 0u; step < STEP; step++) {
      let those = patches[COLUMNS * step + column];
      for (var quad = 0u; quad < QUADS; quad++) {
        let factors = weights[LINES * (QUADS * step + quad) + line];
        sums[4u * quad] += factors.x * those;
        sums[4u * quad + 1u] += factors.y * those;
        sums[4u * quad + 2u] += factors.z * those;
        sums[4u * quad + 3u] += factors.w * those;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u * QUADS; i++) {
    store(sums[i], 4u * (first_quad + LINES * (i / 4u) + line) + i % 4u, first_pixel, level);
  }
}
