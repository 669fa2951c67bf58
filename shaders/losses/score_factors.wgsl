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

/// Eight reads are under way at once, since a GPU waits long for each; the sums are the same.
override AHEAD: bool = false;

const EPSILON = 1e-9;
const SIZE = 256u;
var<workgroup> sums: array<f32, SIZE>;

fn finite(score: f32) -> f32 {
  return select(score, 0.0, is_bad(score));
}

/// Of every SIZE-th location, one after another.
fn sum_of(start: u32, end: u32, local: u32) -> f32 {
  var own = 0.0;
  var i = start + local;
  while (AHEAD && i + 7u * SIZE < end) {
    var values: array<f32, 8>;
    for (var k = 0u; k < 8u; k++) { // unroll
      values[k] = scores[i + k * SIZE];
    }
    for (var k = 0u; k < 8u; k++) { // unroll
      own += finite(values[k]);
    }
    i += 8u * SIZE;
  }
  for (; i < end; i += SIZE) {
    own += finite(scores[i]);
  }
  return own;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.x];
  let start = params.batch * entry.x;
  sums[local] = sum_of(start, start + params.batch * entry.y * entry.z, local);
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
