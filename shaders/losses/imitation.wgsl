// Feature imitation of each location, with the factor f of its level inside or outside the region:
//   losses[location] = f sum_c (student_c - teacher_c)^2,   gradient = 2 f (student_c - teacher_c)
// With SCORED the mask has scores, and f is the factor inside times the location's.
struct Params {
  batch: u32,
  level_count: u32,
  channels: u32,
  locations: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [locations]: greater than 0 inside the region, 0 outside, less where the location does not exist
@group(0) @binding(3) var<storage, read> mask: array<f32>;
/// [levels]: (inside, outside)
@group(0) @binding(4) var<storage, read> factors: array<vec2f>;
/// see feature_moments.wgsl; only with NORM
@group(0) @binding(5) var<storage, read> norms: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;
/// like the student; with NORM of its normalised features
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "feature_pair.wgsl"
#include "feature_fault.wgsl"

override SCORED: bool = false;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let inside = mask[location];
  var factor = select(select(factors[at.level].y, factors[at.level].x, inside > 0.0), 0.0, inside < 0.0);
  if (SCORED) {
    factor = factors[at.level].x * inside;
  }
  var total = 0.0;
  var bad = SCORED && is_bad(inside);
  for (var c = 0u; c < params.channels; c++) {
    let i = element(at, c, params.channels);
    var slope = 0.0;
    if (factor != 0.0) {
      let features = features_at(i, at.level * params.channels + c);
      let difference = features.x - features.y;
      total += difference * difference;
      slope = 2.0 * factor * difference;
    }
    if (NORM) {
      bad |= is_bad(student[i]) || is_bad(teacher[i]);
    }
    gradient[i] = slope;
  }
  var loss = factor * total;
  if (NORM) {
    loss = loss_of(loss, bad);
  } else if (SCORED) {
    loss = loss_of(loss, bad || is_bad(loss));
  }
  losses[location] = loss;
}
