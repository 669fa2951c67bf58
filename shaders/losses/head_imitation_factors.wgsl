// One workgroup a level: counts the locations of the imitation region and of its background and turns the weights into
// factors of a mean over locations × channels (LD spec 4.8). A level without positives may be told to imitate nothing.

struct Params {
  batch: u32,
  channels: u32,
  weight: f32,
  /// of the locations outside the region, relative to `weight`; only DeFeat has it
  background: f32,
  /// 1: a level without positives gives 0
  needs_positives: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// 1 inside, 0 outside, negative where the location does not exist
@group(0) @binding(1) var<storage, read> mask: array<f32>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
/// [levels, 2]: factor inside, factor outside
@group(0) @binding(3) var<storage, read_write> shares: array<vec2f>;

#include "head_row.wgsl"

const SIZE = 256u;
var<workgroup> counts: array<vec2u, SIZE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let level = workgroup.x;
  let entry = params.levels[level];
  let start = params.batch * entry.x;
  let size = params.batch * entry.y * entry.z;
  var own = vec2u();
  for (var i = local; i < size; i += SIZE) {
    let inside = mask[start + i];
    own += vec2u(u32(inside > 0.0), u32(inside == 0.0));
  }
  counts[local] = own;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      counts[local] += counts[local + half];
    }
  }
  if (local == 0u) {
    let off = params.needs_positives == 1u && factors[FACTOR_LEVELS + 4u * level + 2u] == 0.0;
    let weights = select(params.weight * vec2f(1.0, params.background), vec2f(), off);
    shares[level] = weights / (vec2f(max(counts[0], vec2u(1u))) * f32(params.channels));
  }
}
