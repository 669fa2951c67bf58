// Expected edges, in bins, of a round's positives: what head_class.wgsl needs of the box branch.

struct Params {
  batch: u32,
  which: u32,
  start: u32,
  round: u32,
  /// vec4 of `constants` where the scales begin
  scales: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> constants: array<vec4f>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
@group(0) @binding(3) var<storage, read> places: array<vec4u>;
/// see head_cut_matrix.wgsl
@group(0) @binding(4) var<storage, read> logits: array<f32>;
/// of each positive, in the order of the lists
@group(0) @binding(5) var<storage, read_write> expected: array<vec4f>;

#include "../lib/bins.wgsl"
#include "head_row.wgsl"
#include "head_counts.wgsl"
#include "head_cut_matrix.wgsl"
#include "head_cut_scale.wgsl"

fn expected_of(row: u32) -> vec4f {
  let scale = scale_of(params.scales, places[row].x);
  let first = row / BLOCK * 4u * BINS * BLOCK + row % BLOCK;
  var edges: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    var z: Bins;
    for (var k = 0u; k < BINS; k++) { // unroll
      z[k] = scale * logits[first + (edge * BINS + k) * BLOCK];
    }
    softmax_bins(&z, 1.0);
    edges[edge] = expectation(&z);
  }
  return edges;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let count = round_rows();
  for (var row = workgroup.x * 64u + local; row < count; row += workgroups.x * 64u) {
    expected[params.start + row] = expected_of(row);
  }
}
