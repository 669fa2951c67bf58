// The student's features with the teacher's means and deviations of channels (CrossKD, Wang et al., CVPR 2024):
//   aligned = (s - mean_s) / (sd_s + epsilon) sd_t + mean_t.  An invocation a location.
struct Params {
  batch: u32,
  level_count: u32,
  channels: u32,
  locations: u32,
  epsilon: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
/// see feature_moments.wgsl
@group(0) @binding(2) var<storage, read> norms: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> aligned: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  for (var c = 0u; c < params.channels; c++) {
    let i = element(at, c, params.channels);
    let norm = norms[at.level * params.channels + c];
    aligned[i] = (student[i] - norm.x) * norm.y * (1.0 / norm.w - params.epsilon) + norm.z;
  }
}
