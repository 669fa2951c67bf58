// One invocation a location: the standard deviation of each edge's distribution, sqrt(sum_k p_k (k - E)^2), in bins.
struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  /// (start, height, width, 0) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of 4 * BINS channels, channel = edge * BINS + bin
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [locations, 4]
@group(0) @binding(2) var<storage, read_write> spread: array<vec4f>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/bins.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  var deviations: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    var p: Bins;
    for (var k = 0u; k < BINS; k++) {
      p[k] = logits[element(at, edge * BINS + k, 4u * BINS)];
    }
    softmax_bins(&p, 1.0);
    let mean = expectation(&p);
    var variance = 0.0;
    for (var k = 0u; k < BINS; k++) { // unroll
      variance += p[k] * (f32(k) - mean) * (f32(k) - mean);
    }
    deviations[edge] = sqrt(variance);
  }
  spread[location] = deviations;
}
