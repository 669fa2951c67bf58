// One invocation a location: the mean over its four edges of the total variation 1/2 sum_k |p_k - q_k| between the
// distributions of two heads, at temperature 1.
struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  /// (start, height, width, 0) of each level
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramids of 4 * BINS channels, channel = edge * BINS + bin
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [locations]
@group(0) @binding(3) var<storage, read_write> variation: array<f32>;

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
  var sum = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    var p: Bins;
    var q: Bins;
    for (var k = 0u; k < BINS; k++) {
      let i = element(at, edge * BINS + k, 4u * BINS);
      p[k] = student[i];
      q[k] = teacher[i];
    }
    softmax_bins(&p, 1.0);
    softmax_bins(&q, 1.0);
    for (var k = 0u; k < BINS; k++) { // unroll
      sum += abs(p[k] - q[k]);
    }
  }
  variation[location] = sum / 8.0;
}
