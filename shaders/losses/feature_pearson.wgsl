// PKD (Cao et al., NeurIPS 2022) of each location: half the squared difference of both nets' features, each less its channel's mean over
// its deviation, sd + epsilon:
//   losses[location] = weight / (2 n) sum_c (s - t)^2,   n the elements of the level,
//   gradient = weight / (n (sd + epsilon)) (s - t - pull s),
// pull = sum (s - t) s (sd + epsilon) / (sd (m - 1)) over the m values of the channel: the way through sd. That through the mean is 0.
struct Params {
  batch: u32,
  level_count: u32,
  channels: u32,
  locations: u32,
  weight: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// see feature_moments.wgsl
@group(0) @binding(3) var<storage, read> norms: array<vec4f>;
/// [levels, channels]
@group(0) @binding(4) var<storage, read> pulls: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "feature_fault.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let entry = params.levels[at.level];
  let factor = params.weight / (f32(params.batch * params.channels) * f32(entry.y * entry.z));
  var total = 0.0;
  var bad = false;
  for (var c = 0u; c < params.channels; c++) {
    let i = element(at, c, params.channels);
    let row = at.level * params.channels + c;
    let norm = norms[row];
    let normalised = (vec2f(student[i], teacher[i]) - norm.xz) * norm.yw;
    let difference = normalised.x - normalised.y;
    total += difference * difference;
    gradient[i] = factor * norm.y * (difference - pulls[row] * normalised.x);
    bad |= is_bad(student[i]) || is_bad(teacher[i]);
  }
  losses[location] = loss_of(0.5 * factor * total, bad);
}
