// One invocation a location: the expectation of each edge's distribution and the box it means. Generalized Focal Loss, eq. 6.

struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// (start, height, width, stride) of each level
  levels: array<vec4u, 8>,
  /// see ../lib/bin_values.wgsl
  projection: array<vec4f, 16>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of 4 · BINS channels, channel = edge · BINS + bin
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [locations, 4] in bins
@group(0) @binding(2) var<storage, read_write> expected: array<vec4f>;
/// [locations, 4] xyxy in pixels of the network's input, not clamped
@group(0) @binding(3) var<storage, read_write> boxes: array<vec4f>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/bin_values.wgsl"
#include "../lib/expected_value.wgsl"
#include "../lib/box_parameters.wgsl"

const INFINITY = 0x7f800000u;
const MINUS_INFINITY = 0xff800000u;

/// `worst` grows to INFINITY or more where a logit is NaN or +infinity: `max` and `exp` of some adapters make numbers of them.
fn edge_expectation(at: Location, edge: u32, worst: ptr<function, u32>) -> f32 {
  var z: Bins;
  for (var k = 0u; k < BINS; k++) {
    z[k] = logits[element(at, edge * BINS + k, 4u * BINS)];
    let bits = bitcast<u32>(z[k]);
    *worst = max(*worst, select(bits & 0x7fffffffu, 0u, bits == MINUS_INFINITY));
  }
  softmax_bins(&z, 1.0);
  return expected_value(&z);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  var edges: vec4f;
  var worst = 0u;
  for (var edge = 0u; edge < 4u; edge++) {
    edges[edge] = edge_expectation(at, edge, &worst);
  }
  if (worst >= INFINITY) {
    let nan = vec4f(bitcast<f32>(worst | 0x400000u));
    expected[location] = nan;
    boxes[location] = nan;
    return;
  }
  expected[location] = edges;
  let level = params.levels[at.level];
  let centre = vec2f(f32(at.index % level.z), f32(at.index / level.z)) + params.centre_offset;
  boxes[location] = f32(level.w) * decode_box(edges, centre, params.anchor, BINS);
}
