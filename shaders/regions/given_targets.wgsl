// The boxes that the positives of a given assignment learn, one after another; workgroups (image, part of them).

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  /// of an image
  locations: u32,
  /// 1 where boxes lie level by level, 0 where image by image
  by_level: u32,
  levels: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
/// [B · A] xyxy pixels
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
/// [B, image_slots], of given_samples.wgsl
@group(0) @binding(3) var<storage, read_write> samples: array<Sample>;
/// [T] xyxy pixels
@group(0) @binding(4) var<storage, read_write> targets: array<vec4f>;

#include "../lib/pyramid.wgsl"
#include "sample.wgsl"

const SIZE = 64u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  var before = 0u;
  for (var b = 0u; b < image; b++) {
    before += u32(counts[b * COUNTS + COUNT_POSITIVES]);
  }
  let positives = u32(counts[image * COUNTS + COUNT_POSITIVES]);
  for (var i = workgroup.y * SIZE + local; i < positives; i += workgroups.y * SIZE) {
    let slot = image * params.image_slots + i;
    let location = samples[slot].location;
    let at = locate(location);
    let index = select(image * params.locations + params.levels[at.level].x + at.index, location, params.by_level == 1u);
    samples[slot].assigned |= (before + i) << 16u;
    targets[before + i] = boxes[index];
  }
}
