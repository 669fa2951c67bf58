// One workgroup: the weights of the box terms over their normalisers (LD spec 4.2–4.5), after head_class.wgsl, which finds the scores.

struct Params {
  batch: u32,
  /// 0 weights, 1 positives, 2 none; for the boxes and DFL
  box_normaliser: u32,
  /// 0 reference, 1 weights, 2 none
  ld_normaliser: u32,
  box_weight: f32,
  dfl_weight: f32,
  ld_weight: f32,
  ld_vlr_weight: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> counts: array<f32>;
/// see head_records.wgsl
@group(0) @binding(2) var<storage, read> records: array<u32>;
/// box, DFL, LD, LD in the VLR
@group(0) @binding(3) var<storage, read_write> factors: array<f32>;

#include "../regions/sample.wgsl"
#include "head_share.wgsl"
#include "head_records.wgsl"

/// Added to Σ score by the reference, so that a batch without positives divides by it instead of by zero.
const EPSILON = 1e-6;

var<workgroup> lane_sums: array<vec2f, ROWS>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) local: u32) {
  var own = vec2f();
  let positives = count_before(params.batch, COUNT_POSITIVES);
  for (var i = local; i < positives; i += ROWS) {
    own += vec2f(bitcast<f32>(records[RECORD * i + RECORD_BOX_WEIGHT]), bitcast<f32>(records[RECORD * i + RECORD_LD_WEIGHT]));
  }
  lane_sums[local] = own;
  workgroupBarrier();
  if (local > 0u) {
    return;
  }
  // of the box losses, of LD
  var weights = vec2f(EPSILON);
  for (var lane = 0u; lane < ROWS; lane++) {
    weights += lane_sums[lane];
  }
  var vlr = EPSILON;
  for (var image = 0u; image < params.batch; image++) {
    vlr += counts[image * COUNTS + COUNT_VLR_WEIGHT];
  }
  let box_count = array<f32, 3>(weights.x, f32(max(positives, 1u)), 1.0)[params.box_normaliser];
  factors[0] = params.box_weight / box_count;
  factors[1] = params.dfl_weight / 4.0 / box_count;
  factors[2] = array<f32, 3>(0.25, 0.25 / weights.y, 1.0)[params.ld_normaliser] * params.ld_weight;
  factors[3] = array<f32, 3>(1.0 / 16.0, 1.0 / (4.0 * vlr), 1.0)[params.ld_normaliser] * params.ld_vlr_weight;
}
