// convolution_tiles.wgsl by subgroup matrices: 64 channels × 64 pixels a workgroup.
#include "matrices.wgsl"
#include "convolution_operands.wgsl"

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  let group = workgroup.z * workgroups.x + workgroup.x;
  if (group >= params.groups) {
    return;
  }
  let level = level_of_group(group);
  let source = params.levels[2u * level + 1u];
  let first_quad = 16u * workgroup.y;
  // This invocation loads a quad of pixels, of every SIZE / 16th tap.
  let column = local % 16u;
  let first_pixel = TILE * (group - params.levels[2u * level].x) + 4u * column;
  let own_patches = patches_of(first_pixel, level);

  var sums: Sums;
  for (var start = 0u; start < params.inputs * TAPS; start += STEP) {
    for (var line = local / 16u; line < STEP; line += SIZE / 16u) {
      let those = patches_at(own_patches, start + line, source);
      for (var i = 0u; i < 4u; i++) {
        rights[TILE * line + 4u * column + i] = Component(those[i]);
      }
    }
    for (var pair = local; pair < TILE / 4u * STEP; pair += SIZE) {
      let quad = pair / STEP;
      let factors = weights_at(first_quad + quad, start + pair % STEP);
      for (var i = 0u; i < 4u; i++) {
        lefts[TILE * (pair % STEP) + 4u * quad + i] = Component(factors[i]);
      }
    }
    workgroupBarrier();
    add_products(&sums, subgroup);
    workgroupBarrier();
  }
  for (var half = 0u; half < 2u; half++) {
    give(&sums, half, subgroup);
    workgroupBarrier();
    for (var line = local / 16u; line < EDGE; line += SIZE / 16u) {
      let channel = TILE * workgroup.y + EDGE * half + line;
      let at = TILE * line + 4u * column;
      let sum = vec4f(results[at], results[at + 1u], results[at + 2u], results[at + 3u]);
      store(sum + bias_at(channel), channel, first_pixel, level);
    }
    workgroupBarrier();
  }
}
