// head_stream.wgsl for logits of any layout: one invocation a location, four classes at a time, 64 locations of a level a workgroup.

struct Params {
  batch: u32,
  level_count: u32,
  classes: u32,
  /// of the class loss, over its normaliser
  weight: f32,
  normaliser: u32,
  beta: f32,
  alpha: f32,
  /// (start, height, width, first workgroup) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> table: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;
/// one an invocation, see head_coded.wgsl
@group(0) @binding(5) var<storage, read_write> partials: array<u32>;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/background.wgsl"
#include "../regions/sample.wgsl"
#include "head_normaliser.wgsl"
#include "head_stream_sum.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let group = linear_index(workgroup, workgroups, 0u, 1u);
  var level = 0u;
  while (level + 1u < params.level_count && group >= params.levels[level + 1u].w) {
    level++;
  }
  let area = params.levels[level].y * params.levels[level].z;
  let i = (group - params.levels[level].w) * SIZE + local;
  let factor = params.weight / divisor_of_counts(params.normaliser);
  var sum = StreamSum();
  if (i < params.batch * area) {
    let location = params.batch * params.levels[level].x + i;
    let image = i / area;
    let entry = params.student_layout[level];
    let counted = select(1.0, 0.0, table[location] >= TABLE_IGNORED);
    let label = vec4u(table[location] - 1u);
    for (var c = 0u; c < params.classes; c += 4u) {
      let classes = c + vec4u(0u, 1u, 2u, 3u);
      let exists = classes < vec4u(params.classes);
      let at = vec4u(strided(entry, image, c, i - image * area)) + vec4u(0u, 1u, 2u, 3u) * entry.z;
      var x = vec4f();
      for (var k = 0u; k < 4u; k++) {
        if (exists[k]) {
          x[k] = student[at[k]];
        }
      }
      let share = select(vec4f(), vec4f(counted), exists & (classes != label));
      let focal = class_background(x);
      add(&sum, share * focal.loss, vec4u(location));
      let slope = (factor * share) * focal.slope;
      for (var k = 0u; k < 4u; k++) {
        if (exists[k]) {
          gradient[at[k]] = slope[k];
        }
      }
    }
  }
  partials[group * SIZE + local] = partial_of(sum, factor);
}
