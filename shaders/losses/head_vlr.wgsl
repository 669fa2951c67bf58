// LD of all listed rows that are no positives, an invocation a row; see head_ld.wgsl.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  /// see head_records.wgsl
  other_records: u32,
  temperature: f32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  student_layout: array<vec4u, 8>,
  teacher_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
@group(0) @binding(3) var<storage, read> counts: array<f32>;
/// of head_factors.wgsl
@group(0) @binding(4) var<storage, read> factors: array<f32>;
@group(0) @binding(5) var<storage, read> samples: array<Sample>;
/// laid out as the student's logits
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
/// see head_records.wgsl
@group(0) @binding(7) var<storage, read_write> records: array<u32>;

#include "../lib/layout.wgsl"
#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_place.wgsl"
#include "head_coded.wgsl"
#include "head_records.wgsl"
#include "head_ld.wgsl"
#include "head_bound.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let positives = count_of(image, COUNT_POSITIVES);
  let part = part_of(positives, count_of(image, COUNT_SAMPLES), workgroup.x, workgroups.x);
  let before = params.other_records + OTHER * (count_before(image, COUNT_SAMPLES) - count_before(image, COUNT_POSITIVES));
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let location = sample.location;
    let at = place_of(location, image);
    let entry = params.student_layout[at.level];
    let teacher_entry = params.teacher_layout[at.level];
    let line = Line(strided(entry, image, 0u, at.index), entry.z);
    let teacher_line = Line(strided(teacher_entry, image, 0u, at.index), teacher_entry.z);
    let loss = ld_terms(line, teacher_line, factors[3] * sample.vlr);
    records[before + OTHER * (i - positives) + OTHER_LD] = coded(loss, location);
  }
}
