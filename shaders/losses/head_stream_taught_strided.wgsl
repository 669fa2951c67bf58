// head_stream_taught.wgsl for logits of any layout, levels that are no whole quads, and teachers of other levels: one invocation a
// location, four classes at a time, 64 locations of a level a workgroup.

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
/// [SUMS, invocations of the pass], see head_stream_sum.wgsl
@group(0) @binding(6) var<storage, read_write> partials: array<u32>;
/// [WEIGHTS, locations], where locations are weighed
@group(0) @binding(7) var<storage, read_write> weights: array<f32>;

#include "head_lesson.wgsl"

fn largest(values: vec4f) -> f32 {
  return max(max(values.x, values.y), max(values.z, values.w));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = params.first_group + linear_index(workgroup, workgroups, 0u, 1u);
  let level = level_of(group);
  let factors = factors_of(level);
  let area = params.levels[level].y * params.levels[level].z;
  let i = (group - params.levels[level].w) * SIZE + local;
  var class_loss = StreamSum();
  var distillation = StreamSum();
  var weight_sums = vec2f();
  if (i < params.batch * area) {
    let location = params.batch * params.levels[level].x + i;
    let image = i / area;
    let index = i - image * area;
    let entry = params.student_layout[level];
    let teacher_entry = params.teacher_layout[level];
    let in_teacher = teacher_index(level, index);
    let has_teacher = is_taught(level);
    let counted = select(1.0, 0.0, table[location] >= TABLE_IGNORED);
    let label = vec4u(table[location] - 1u);
    var apart = vec4f();
    var highest = vec4f(-3.0e38);
    var is_spoilt = false;
    for (var c = 0u; c < params.classes; c += 4u) {
      let classes = c + vec4u(0u, 1u, 2u, 3u);
      let exists = classes < vec4u(params.classes);
      let at = vec4u(strided(entry, image, c, index)) + vec4u(0u, 1u, 2u, 3u) * entry.z;
      let teacher_at = strided(teacher_entry, image, c, in_teacher);
      var x = vec4f();
      var t = vec4f();
      for (var k = 0u; k < 4u; k++) {
        if (exists[k]) {
          x[k] = student[at[k]];
          t[k] = select(0.0, teacher[teacher_at + k * teacher_entry.z], has_teacher);
        }
      }
      let counts_here = select(vec4f(), vec4f(counted), exists);
      let share = select(counts_here, vec4f(), classes == label);
      let focal = class_background(x);
      let taught = class_lesson(x, t);
      add(&class_loss, share * focal.loss, vec4u(location));
      add(&distillation, counts_here * taught.loss, vec4u(location));
      let slope = (factors.x * share) * focal.slope + (factors.y * counts_here) * taught.slope;
      for (var k = 0u; k < 4u; k++) {
        if (exists[k]) {
          gradient[at[k]] = slope[k];
        }
      }
      if (WEIGHS_DIFFERENCE) {
        // Past the last class both logits are 0.
        apart = max(apart, scores_apart(x, t));
        is_spoilt |= any(is_bad4(x) | is_bad4(t));
      }
      if (WEIGHS_TEACHER) {
        highest = max(highest, select(vec4f(-3.0e38), t, exists));
        is_spoilt |= any(is_bad4(t));
      }
    }
    if (WEIGHS_DIFFERENCE) {
      weight_sums.x = spoilt4(vec4f(select(0.0, counted * largest(apart), has_teacher)), vec4<bool>(is_spoilt)).x;
      weights[location] = weight_sums.x;
    }
    if (WEIGHS_TEACHER) {
      weight_sums.y = spoilt4(select(0.0, counted, has_teacher) * background_of(vec4f(largest(highest))).score, vec4<bool>(is_spoilt)).x;
      weights[params.weight_stride + location] = weight_sums.y;
    }
  }
  write_partials(group * SIZE + local, class_loss, distillation, weight_sums, factors);
}
