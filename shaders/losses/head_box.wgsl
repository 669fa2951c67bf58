// The box losses of the positives, an invocation a positive; see head_positive.wgsl.

struct Params {
#include "head_positive_fields.wgsl"
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(3) var<storage, read> targets: array<vec4f>;
@group(0) @binding(4) var<storage, read> counts: array<f32>;
@group(0) @binding(5) var<storage, read> samples: array<Sample>;
/// of head_factors.wgsl
@group(0) @binding(6) var<storage, read> factors: array<f32>;
/// laid out as the student's logits
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
/// see head_records.wgsl; expected edges are known
@group(0) @binding(8) var<storage, read_write> records: array<u32>;

#include "../lib/layout.wgsl"
#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_place.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"
#include "head_positive.wgsl"
#include "head_bound.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let before = count_before(image, COUNT_POSITIVES);
  let part = part_of(0u, count_of(image, COUNT_POSITIVES), workgroup.x, workgroups.x);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let at = place_of(sample.location, image);
    let entry = params.student_layout[at.level];
    let teacher_entry = params.teacher_layout[at.level];
    let line = Line(strided(entry, image, 0u, at.index), entry.z);
    let teacher_line = Line(strided(teacher_entry, image, 0u, at.index), teacher_entry.z);
    let box = targets[sample.assigned >> 16u] / f32(params.levels[at.level].w);
    do_positive(sample, at, box, RECORD * (before + i), line, teacher_line);
  }
}
