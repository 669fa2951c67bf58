// A teacher's maps on the student's levels: bilinear between cell middles, clamped at the border. Where no level of the teacher's teaches
// one, the student's own values (COPIES) or 0.
struct Params {
  /// elements of the result
  count: u32,
  level_count: u32,
  /// images times channels
  planes: u32,
  levels: array<vec4u, 8>,
  /// (locations of an image before the level that teaches this one, 0, 0, 0)
  starts: array<vec4u, 8>,
  /// cells of the teacher's in one of the student's, across and down; columns and rows of the teacher's map, 0 where nothing teaches
  teacher_cells: array<vec4f, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// read only with COPIES
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read_write> resized: array<f32>;

#include "../lib/index.wgsl"

override COPIES: bool = false;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = linear_index(workgroup, workgroups, local, 64u);
  if (i >= params.count) {
    return;
  }
  var level = 0u;
  while (level + 1u < params.level_count && i >= params.planes * params.levels[level + 1u].x) {
    level++;
  }
  let entry = params.levels[level];
  let map = params.teacher_cells[level];
  if (map.z == 0.0) {
    if (COPIES) {
      resized[i] = student[i];
    } else {
      resized[i] = 0.0;
    }
    return;
  }
  let rest = i - params.planes * entry.x;
  let cell = rest % (entry.y * entry.z);
  let plane = rest / (entry.y * entry.z);
  let middle = vec2f(f32(cell % entry.z), f32(cell / entry.z)) + 0.5;
  let last = map.zw - 1.0;
  let place = clamp(middle * map.xy - 0.5, vec2f(), last);
  let near = floor(place);
  let far = min(near + 1.0, last);
  let share = place - near;
  let start = params.planes * params.starts[level].x + plane * u32(map.z * map.w);
  let above = start + u32(near.y * map.z);
  let below = start + u32(far.y * map.z);
  let upper = mix(teacher[above + u32(near.x)], teacher[above + u32(far.x)], share.x);
  let lower = mix(teacher[below + u32(near.x)], teacher[below + u32(far.x)], share.x);
  resized[i] = mix(upper, lower, share.y);
}
