// A 3×3 or 1×1 convolution of all levels as a product of matrices, for GPUs. A workgroup of 256 invocations computes QUADS · 64 channels × 64 pixels.
// STEP values of k at a time go through workgroup memory; an invocation keeps QUADS · 4 × 4 sums. While a step is computed the next one is read.
/// vec4 of channels of an invocation, 1 or 2
override QUADS: u32 = 1;

const STEP = 16u;

#include "convolution_operands.wgsl"

/// [k][vec4 of channels]
var<workgroup> weights: array<vec4f, 512>;
/// [k][vec4 of pixels]
var<workgroup> patches: array<vec4f, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = workgroup.z * workgroups.x + workgroup.x;
  if (group >= params.groups) {
    return;
  }
  let level = level_of_group(group);
  let source = params.levels[2u * level + 1u];
  let first_quad = 16u * QUADS * workgroup.y;
  // This invocation loads, at each step, a quad of pixels at tap `line`, and channels of quad `line` at tap `column`: neighbours are in memory, too.
  let column = local % 16u;
  let line = local / 16u;
  let first_pixel = 64u * (group - params.levels[2u * level].x) + 4u * column;
  let own_patches = patches_of(first_pixel, level);

  var sums: array<vec4f, 8>;
  for (var quad = 0u; quad < QUADS; quad++) {
    for (var i = 0u; i < 4u; i++) {
      sums[4u * quad + i] = vec4f(bias_at(4u * (first_quad + 16u * quad + line) + i));
    }
  }
  var taken = patches_at(own_patches, line, source);
  var factors: array<vec4f, 2>;
  for (var quad = 0u; quad < QUADS; quad++) {
    factors[quad] = weights_at(first_quad + 16u * quad + line, column);
  }
  for (var start = 0u; start < params.inputs * TAPS; start += STEP) {
    patches[local] = taken;
    for (var quad = 0u; quad < QUADS; quad++) {
      weights[16u * (QUADS * column + quad) + line] = factors[quad];
    }
    workgroupBarrier();
    taken = patches_at(own_patches, start + STEP + line, source);
    for (var quad = 0u; quad < QUADS; quad++) {
      factors[quad] = weights_at(first_quad + 16u * quad + line, start + STEP + column);
    }
    for (var step = 0u; step < STEP; step++) {
      let those = patches[16u * step + column];
      for (var quad = 0u; quad < QUADS; quad++) {
        let four = weights[16u * (QUADS * step + quad) + line];
        sums[4u * quad] += four.x * those;
        sums[4u * quad + 1u] += four.y * those;
        sums[4u * quad + 2u] += four.z * those;
        sums[4u * quad + 3u] += four.w * those;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u * QUADS; i++) {
    store(sums[i], 4u * (first_quad + 16u * (i / 4u) + line) + i % 4u, first_pixel, level);
  }
}
