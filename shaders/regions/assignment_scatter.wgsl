// Writes what samples have into maps that are -1 and 0 elsewhere. Workgroups (n, image).

struct Params {
  image_slots: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> samples: array<Sample>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
/// [locations]: target of a positive
@group(0) @binding(3) var<storage, read_write> matched: array<i32>;
/// [locations]: target score of a positive
@group(0) @binding(4) var<storage, read_write> score: array<f32>;
/// [locations]: weight in the VLR
@group(0) @binding(5) var<storage, read_write> vlr: array<f32>;

#include "sample.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let listed = u32(counts[image * COUNTS + COUNT_SAMPLES]);
  for (var i = 64u * workgroup.x + local; i < listed; i += 64u * workgroups.x) {
    let sample = samples[image * params.image_slots + i];
    if (is_positive(sample)) {
      matched[sample.location] = i32(sample.assigned >> 16u);
      score[sample.location] = sample.score;
    }
    vlr[sample.location] = sample.vlr;
  }
}
