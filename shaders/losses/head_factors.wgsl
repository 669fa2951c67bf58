// One workgroup: counts the regions and turns the recipe's weights into factors (weight / normaliser), see head_row.wgsl.
// Every invocation sums its own locations in order, then the sums are added as a tree: a fixed order.

struct Params {
  batch: u32,
  level_count: u32,
  classes: u32,
  /// 0 images (each counts at least one), 1 positives, 2 none
  cls_normaliser: u32,
  /// 0 weights, 1 positives, 2 none; for the boxes and DFL
  box_normaliser: u32,
  /// 0 reference, 1 weights, 2 none
  ld_normaliser: u32,
  /// 0 level, 1 region, 2 none
  kd_normaliser: u32,
  cls_weight: f32,
  box_weight: f32,
  dfl_weight: f32,
  ld_weight: f32,
  ld_vlr_weight: f32,
  kd_weight: f32,
  kd_vlr_weight: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Row>;
@group(0) @binding(2) var<storage, read_write> factors: array<f32>;

#include "head_row.wgsl"

const SIZE = 256u;
/// Added to Σ score by the reference, so that a batch without positives divides by it instead of by zero.
const EPSILON = 1e-6;

var<workgroup> sums: array<vec4f, SIZE>;

fn workgroup_sum(value: vec4f, local: u32) -> vec4f {
  workgroupBarrier();
  sums[local] = value;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) {
      sums[local] += sums[local + half];
    }
  }
  workgroupBarrier();
  return sums[0];
}

fn share(weight: f32, count: f32) -> f32 {
  return select(0.0, weight / count, count > 0.0);
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  // (positives, Σ score, size of the VLR, Σ VLR weight)
  var levels: array<vec4f, 8>;
  var images = 0.0;
  for (var image = 0u; image < params.batch; image++) {
    var positives = 0.0;
    for (var l = 0u; l < params.level_count; l++) {
      let area = params.levels[l].y * params.levels[l].z;
      let start = params.batch * params.levels[l].x + image * area;
      var own = vec4f();
      for (var i = local; i < area; i += SIZE) {
        let row = rows[start + i];
        let positive = row_label(row) < params.classes;
        let valuable = row.vlr > 0.0;
        own += vec4f(f32(positive), row.score, f32(valuable), row.vlr);
      }
      let level = workgroup_sum(own, local);
      levels[l] += level;
      positives += level.x;
    }
    images += max(positives, 1.0);
  }
  if (local != 0u) {
    return;
  }
  var all = vec4f();
  for (var l = 0u; l < params.level_count; l++) {
    all += levels[l];
  }
  let cls_count = select(select(1.0, max(all.x, 1.0), params.cls_normaliser == 1u), max(images, 1.0), params.cls_normaliser == 0u);
  let box_count = select(select(1.0, max(all.x, 1.0), params.box_normaliser == 1u), all.y + EPSILON, params.box_normaliser == 0u);
  factors[FACTOR_CLS] = params.cls_weight / cls_count;
  factors[FACTOR_BBOX] = params.box_weight / box_count;
  factors[FACTOR_DFL] = params.dfl_weight / 4.0 / box_count;
  var ld = vec2f(params.ld_weight, params.ld_vlr_weight);
  if (params.ld_normaliser == 0u) {
    ld /= vec2f(4.0, 16.0);
  } else if (params.ld_normaliser == 1u) {
    ld /= 4.0 * (all.yw + EPSILON);
  }
  factors[FACTOR_LD] = ld.x;
  factors[FACTOR_LD_VLR] = ld.y;
  for (var l = 0u; l < params.level_count; l++) {
    var kd = vec2f(params.kd_weight, params.kd_vlr_weight);
    if (params.kd_normaliser == 0u) {
      kd = vec2f(share(kd.x, levels[l].x), share(kd.y, levels[l].z));
    } else if (params.kd_normaliser == 1u) {
      kd = vec2f(share(kd.x, all.x), share(kd.y, all.z));
    }
    let entry = FACTOR_LEVELS + 4u * l;
    factors[entry] = kd.x;
    factors[entry + 1u] = kd.y;
    factors[entry + 2u] = levels[l].x;
    factors[entry + 3u] = levels[l].z;
  }
}
