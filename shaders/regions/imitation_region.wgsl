// Regions of feature imitation that do not go by boxes, one invocation a location: 1 inside, 0 outside, -1 beyond the image.

struct Params {
  batch: u32,
  level_count: u32,
  half_side: f32,
  centre_offset: f32,
  locations: u32,
  levels: array<vec4u, 8>,
}
const WHOLE = 0u;
/// to which imitation_windows.wgsl adds
const EMPTY = 1u;
/// positives
const MAIN = 2u;
override METHOD: u32 = WHOLE;

@group(0) @binding(0) var<uniform> params: Params;
/// [B] width and height, pixels
@group(0) @binding(1) var<storage, read> image_sizes: array<vec2u>;
/// [locations], where METHOD is MAIN; see sample.wgsl
@group(0) @binding(2) var<storage, read> assigned: array<u32>;
/// [locations], zeros. Zeros are not written: Mesa makes a choice between 0 and -1 a negation, which gives -0.
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/grid.wgsl"
#include "sample.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  if (!is_valid(at.level, at.index, image_sizes[at.image])) {
    mask[location] = -1.0;
  } else if (METHOD == WHOLE || (METHOD == MAIN && is_positive_entry(assigned[location]))) {
    mask[location] = 1.0;
  }
}
