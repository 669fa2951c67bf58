// Feature imitation of each location, with the factor f of its level inside or outside the region:
//   losses[location] = f sum_c (student_c - teacher_c)^2,   gradient = 2 f (student_c - teacher_c)
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
/// like the student
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [locations]: greater than 0 inside the region, 0 outside, less where the location does not exist
@group(0) @binding(3) var<storage, read> mask: array<f32>;
/// [levels]: (inside, outside)
@group(0) @binding(4) var<storage, read> factors: array<vec2f>;
/// [locations]
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
/// like the student
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let inside = mask[location];
  let factor = select(select(factors[at.level].y, factors[at.level].x, inside > 0.0), 0.0, inside < 0.0);
  var total = 0.0;
  for (var c = 0u; c < params.channels; c++) {
    let i = element(at, c, params.channels);
    var slope = 0.0;
    if (factor != 0.0) {
      let difference = student[i] - teacher[i];
      total += difference * difference;
      slope = 2.0 * factor * difference;
    }
    gradient[i] = slope;
  }
  losses[location] = factor * total;
}
