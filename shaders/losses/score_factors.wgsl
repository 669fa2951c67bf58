// One workgroup a level: weight / (channels * sum of the scores + 1e-9), what Ultralytics' distillation divides by; a score that is not
// finite is left out, so that it spoils its own location alone.
struct Params {
  batch: u32,
  channels: u32,
  weight: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
/// [levels]: (factor of a score, 0); between the two passes of processes that share a step, their sums
@group(0) @binding(2) var<storage, read_write> factors: array<vec2f>;

#include "head_coded.wgsl"

/// 1: leaves this process's sum in `factors`; 2: takes that of all processes from there.
override SHARED: u32 = 0u;

const EPSILON = 1e-9;
const SIZE = 256u;
var<workgroup> sums: array<f32, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.x];
  let start = params.batch * entry.x;
  let end = start + params.batch * entry.y * entry.z;
  var own = 0.0;
  for (var i = start + local; i < end; i += SIZE) {
    own += select(scores[i], 0.0, is_bad(scores[i]));
  }
  sums[local] = own;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      sums[local] += sums[local + half];
    }
  }
  if (local == 0u) {
    if (SHARED == 1u) {
      factors[workgroup.x] = vec2f(sums[0], 0.0);
      return;
    }
    var sum = sums[0];
    if (SHARED == 2u) {
      sum = factors[workgroup.x].x;
    }
    factors[workgroup.x] = vec2f(params.weight / (f32(params.channels) * sum + EPSILON), 0.0);
  }
}
