// A workgroup an image, after list_objects.wgsl or given_parts.wgsl: the counts of its samples. Weights and scores are added in the order of
// count_samples.wgsl, so that the sums have the same bits: CHAINS sums of every CHAINS-th sample, but read by as many invocations as a workgroup
// may have.

struct Params {
  batch: u32,
  level_count: u32,
  image_slots: u32,
  /// of all images
  locations: u32,
  levels: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> image_starts: array<u32>;
@group(0) @binding(2) var<storage, read> claims: array<u32>;
@group(0) @binding(3) var<storage, read> samples: array<Sample>;
@group(0) @binding(4) var<storage, read_write> counts: array<f32>;

#include "sample.wgsl"
#include "level_of.wgsl"
#include "claims.wgsl"

/// SIZE of the kernel that lists them by a workgroup an image: list_samples.wgsl or given_samples.wgsl.
override CHAINS: u32 = 8;
const LANES = 256u;

/// weight in the VLR and target score
var<workgroup> lane_sums: array<vec2f, LANES>;

#include "write_counts.wgsl"

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.x;
  let listed = claims[listed_at(image) + 1u];
  var sum = vec2f();
  for (var first = 0u; first < listed; first += LANES) {
    var own = vec2f();
    if (first + local < listed) {
      let sample = samples[image * params.image_slots + first + local];
      let level = level_of(sample.location);
      own = vec2f(sample.vlr, sample.score);
      if (is_positive(sample)) {
        atomicAdd(&level_positives[level], 1u);
      }
      if (sample.vlr > 0.0) {
        atomicAdd(&level_vlr[level], 1u);
      }
    }
    lane_sums[local] = own;
    workgroupBarrier();
    if (local < CHAINS) {
      for (var i = local; i < LANES; i += CHAINS) {
        sum += lane_sums[i];
      }
    }
    workgroupBarrier();
  }
  lane_sums[local] = sum;
  workgroupBarrier();
  write_counts(image, local, CHAINS, vec2u(claims[listed_at(image)], listed));
}
