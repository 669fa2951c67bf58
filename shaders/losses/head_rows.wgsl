// One invocation a location: gathers what the loss passes need of it. For a positive it decodes the student's box for the
// quality target (LD spec 4.1) and takes the student's highest class probability as weight.

struct Params {
  batch: u32,
  level_count: u32,
  locations: u32,
  classes: u32,
  /// cells from a cell's top-left corner to the anchor's centre
  centre_offset: f32,
  /// anchor side in strides
  anchor: f32,
  /// (start, height, width, stride in pixels) of each level
  levels: array<vec4u, 8>,
  class_layout: array<vec4u, 8>,
  box_layout: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> class_logits: array<f32>;
@group(0) @binding(2) var<storage, read> box_logits: array<f32>;
/// class of each location, `classes` for background
@group(0) @binding(3) var<storage, read> label: array<i32>;
/// ground truth of each positive
@group(0) @binding(4) var<storage, read> matched: array<i32>;
/// 1 where the label counts
@group(0) @binding(5) var<storage, read> label_weight: array<f32>;
@group(0) @binding(6) var<storage, read> region: array<f32>;
/// [G] xyxy pixels
@group(0) @binding(7) var<storage, read> truth: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> rows: array<Row>;

#include "../lib/index.wgsl"
#include "../lib/pyramid.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/box_parameters.wgsl"
#include "../lib/boxes.wgsl"
#include "head_row.wgsl"

fn highest_probability(at: Location) -> f32 {
  let entry = params.class_layout[at.level];
  var highest = -3.0e38;
  for (var c = 0u; c < params.classes; c++) {
    highest = max(highest, class_logits[strided(entry, at.image, c, at.index)]);
  }
  return 1.0 / (1.0 + exp(-highest));
}

fn decoded_box(at: Location, centre: vec2f) -> vec4f {
  let entry = params.box_layout[at.level];
  var expected: vec4f;
  for (var edge = 0u; edge < 4u; edge++) {
    var z: Bins;
    for (var k = 0u; k < BINS; k++) {
      z[k] = box_logits[strided(entry, at.image, edge * BINS + k, at.index)];
    }
    softmax_bins(&z, 1.0);
    expected[edge] = expectation(&z);
  }
  return decode_box(expected, centre, params.anchor);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  var row = Row(vec4f(), 0.0, 0.0, region[location], u32(label[location]));
  if (row.flags < params.classes) {
    let at = locate(location);
    let width = params.levels[at.level].z;
    let centre = vec2f(f32(at.index % width), f32(at.index / width)) + params.centre_offset;
    row.box = truth[matched[location]] / f32(params.levels[at.level].w);
    row.score = highest_probability(at);
    row.quality = box_iou(decoded_box(at, centre), row.box);
  }
  if (label_weight[location] > 0.0) {
    row.flags |= LABELLED;
  }
  rows[location] = row;
}
