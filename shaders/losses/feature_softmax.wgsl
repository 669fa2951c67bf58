// ln Σ exp(feature / T) over each map of both nets, which makes a map a distribution over its locations (channel-wise distillation,
// Shu et al., ICCV 2021). A workgroup a map.
struct Params {
  batch: u32,
  channels: u32,
  /// 1 / T
  sharpness: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// see feature_moments.wgsl; only with NORM
@group(0) @binding(3) var<storage, read> norms: array<vec4f>;
/// [levels, images, channels]: student's, teacher's
@group(0) @binding(4) var<storage, read_write> normalisers: array<vec2f>;

#include "feature_pair.wgsl"

override LANES: u32 = 64;
var<workgroup> lanes: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.z];
  let area = entry.y * entry.z;
  let map = workgroup.y * params.channels + workgroup.x;
  let row = workgroup.z * params.channels + workgroup.x;
  let start = params.batch * params.channels * entry.x + map * area;
  var own = features_at(start + min(local, area - 1u), row);
  for (var i = local + LANES; i < area; i += LANES) {
    own = max(own, features_at(start + i, row));
  }
  lanes[local] = own;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lanes[local] = max(lanes[local], lanes[local + half]);
    }
    workgroupBarrier();
  }
  let largest = lanes[0];
  workgroupBarrier();
  var sum = vec2f();
  for (var i = local; i < area; i += LANES) {
    sum += exp((features_at(start + i, row) - largest) * params.sharpness);
  }
  lanes[local] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lanes[local] += lanes[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    normalisers[workgroup.z * params.batch * params.channels + map] = largest * params.sharpness + log(lanes[0]);
  }
}
