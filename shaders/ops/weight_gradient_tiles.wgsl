// Gradient of a 3×3 or 1×1 convolution with respect to its weight as a product of matrices, for GPUs, in chunks that sum_chunks.wgsl adds up.
// A workgroup of 256 invocations computes 64 channels × 64 k. Four quads of pixels at a time go through workgroup memory; an invocation keeps 4 × 4 sums.
// While a step is computed the next one is read.
#include "weight_gradient_operands.wgsl"

const STEP = 4u;

/// [channel][quad]
var<workgroup> gradients: array<vec4f, 256>;
/// [k][quad]
var<workgroup> patches: array<vec4f, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  // It loads quad `local % 4` of each step, of one channel and of one k.
  let channel = 64u * workgroup.y + local / STEP;
  let k = 64u * workgroup.x + local / STEP;
  // It computes channels line, line + 16, … and k column, column + 16, …
  let column = local % 16u;
  let line = local / 16u;

  var sums: array<vec4f, 4>;
  let begin = workgroup.z * params.quads_a_chunk;
  let end = min(params.quads, begin + params.quads_a_chunk);
  var quad = place_of(begin + local % STEP, end);
  var gradient = incoming_at(quad, channel);
  var taken = patch_at(quad, k);
  for (var start = begin; start < end; start += STEP) {
    gradients[local] = gradient;
    patches[local] = taken;
    workgroupBarrier();
    quad = place_of(start + STEP + local % STEP, end);
    gradient = incoming_at(quad, channel);
    taken = patch_at(quad, k);
    for (var step = 0u; step < STEP; step++) {
      let p0 = patches[STEP * column + step];
      let p1 = patches[STEP * (column + 16u) + step];
      let p2 = patches[STEP * (column + 32u) + step];
      let p3 = patches[STEP * (column + 48u) + step];
      for (var i = 0u; i < 4u; i++) {
        let g = gradients[STEP * (line + 16u * i) + step];
        sums[i] += vec4f(dot(g, p0), dot(g, p1), dot(g, p2), dot(g, p3));
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      store(sums[i][j], 64u * workgroup.y + line + 16u * i, 64u * workgroup.x + column + 16u * j, workgroup.z);
    }
  }
}
