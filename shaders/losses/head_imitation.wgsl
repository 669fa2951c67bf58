// One invocation a location: squared error of the student's features against the teacher's, and its gradient.

struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  channels: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// 1 inside, 0 outside, negative where the location does not exist
@group(0) @binding(3) var<storage, read> mask: array<f32>;
@group(0) @binding(4) var<storage, read> shares: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
/// [terms, locations]
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "head_row.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let inside = mask[location];
  let share = select(select(shares[at.level].y, shares[at.level].x, inside > 0.0), 0.0, inside < 0.0);
  var sum = 0.0;
  for (var c = 0u; c < params.channels; c++) {
    let i = element(at, c, params.channels);
    var slope = 0.0;
    if (share > 0.0) {
      let difference = student[i] - teacher[i];
      sum += difference * difference;
      slope = 2.0 * share * difference;
    }
    gradient[i] = slope;
  }
  partials[TERM_IMITATION * params.locations + location] = share * sum;
}
