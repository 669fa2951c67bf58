// Channel-wise distillation (Shu et al., ICCV 2021) of each location:
//   losses[location] = scale sum_c [ p ln(p / q) - p + q ],   gradient = slope (q - p),
// p and q the teacher's and the student's shares of a channel's softmax over the locations of its map.
struct Params {
  batch: u32,
  level_count: u32,
  channels: u32,
  locations: u32,
  /// 1 / T
  sharpness: f32,
  scale: f32,
  slope: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// see feature_moments.wgsl; only with NORM
@group(0) @binding(3) var<storage, read> norms: array<vec4f>;
/// see feature_softmax.wgsl
@group(0) @binding(4) var<storage, read> normalisers: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
/// like the student; with NORM of its normalised features
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/kl.wgsl"
#include "feature_pair.wgsl"
#include "feature_fault.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  var total = 0.0;
  var bad = false;
  for (var c = 0u; c < params.channels; c++) {
    let i = element(at, c, params.channels);
    let logits = features_at(i, at.level * params.channels + c) * params.sharpness;
    let shares = logits - normalisers[(at.level * params.batch + at.image) * params.channels + c];
    let divergence = divergence(shares.y, shares.x);
    total += divergence.x;
    gradient[i] = params.slope * divergence.y;
    bad |= is_bad(student[i]) || is_bad(teacher[i]);
  }
  losses[location] = loss_of(params.scale * total, bad);
}
