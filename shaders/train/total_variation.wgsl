// One invocation a location: the mean over its four edges of the total variation 1/2 sum_k |p_k - q_k| between the
// distributions of two heads, at temperature 1; the teacher's in the student's bins. 0 on a level that is not taught.
struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  bins: u32,
  centre_offset: f32,
  /// (start, height, width, 0) of each level
  levels: array<vec4u, 8>,
  /// see lib/teacher_edges.wgsl
  teacher_bins: u32,
  teacher_offset: f32,
  teacher_cells: array<vec4f, 8>,
  teacher_box_layout: array<vec4u, 8>,
  teacher_projection: array<vec4f, 16>,
  /// see lib/bin_values.wgsl
  projection: array<vec4f, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramids of 4 * bins channels, channel = edge * bins + bin
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher_box: array<f32>;
/// [locations]
@group(0) @binding(3) var<storage, read_write> variation: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/teacher_cells.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/bin_shares.wgsl"
#include "../lib/teacher_edges.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  if (!is_taught(at.level)) {
    variation[location] = 0.0;
    return;
  }
  var sum = 0.0;
  for (var edge = 0u; edge < 4u; edge++) {
    var p: Bins;
    var q: Bins;
    let first = teacher_first(at.level, at.image, at.index, edge);
    for (var k = 0u; k < BINS; k++) {
      p[k] = student[element(at, edge * BINS + k, 4u * BINS)];
      q[k] = teacher_box[first + k * params.teacher_box_layout[at.level].z];
    }
    softmax_bins(&p, 1.0);
    softmax_bins(&q, 1.0);
    if (TEACHER_REBINNED) {
      let taught = teacher_distribution(at.level, at.image, at.index, edge, 1.0);
      for (var k = 0u; k < BINS; k++) {
        q[k] = teacher_share(taught, k);
      }
    }
    for (var k = 0u; k < BINS; k++) { // unroll
      sum += abs(p[k] - q[k]);
    }
  }
  variation[location] = sum / 8.0;
}
