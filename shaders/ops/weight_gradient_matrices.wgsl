// weight_gradient_tiles.wgsl by subgroup matrices: 64 channels × 64 k a workgroup.
#include "matrices.wgsl"
#include "weight_gradient_operands.wgsl"

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_id) subgroup: u32,
) {
  var sums: Sums;
  let begin = workgroup.z * params.quads_a_chunk;
  let end = min(params.quads, begin + params.quads_a_chunk);
  for (var start = begin; start < end; start += STEP / 4u) {
    // This invocation loads quad `local % 4`, of every SIZE / 4th channel and k.
    let quad = place_of(start + local % 4u, end);
    for (var line = local / 4u; line < TILE; line += SIZE / 4u) {
      let gradient = incoming_at(quad, TILE * workgroup.y + line);
      let taken = patch_at(quad, TILE * workgroup.x + line);
      for (var i = 0u; i < 4u; i++) {
        lefts[TILE * (4u * (local % 4u) + i) + line] = Component(gradient[i]);
        rights[TILE * (4u * (local % 4u) + i) + line] = Component(taken[i]);
      }
    }
    workgroupBarrier();
    add_products(&sums, subgroup);
    workgroupBarrier();
  }
  for (var half = 0u; half < 2u; half++) {
    give(&sums, half, subgroup);
    workgroupBarrier();
    for (var i = local; i < EDGE * TILE; i += SIZE) {
      store(results[i], TILE * workgroup.y + EDGE * half + i / TILE, TILE * workgroup.x + i % TILE, workgroup.z);
    }
    workgroupBarrier();
  }
}
