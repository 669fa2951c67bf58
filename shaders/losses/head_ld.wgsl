// Localization distillation (Zheng et al., CVPR 2022, eq. 3) of samples in the main region or the VLR, an invocation each:
// ℓ = (T²/K) Σ p (ln p − ln q) of each edge, gradient (T/K) (q − p). The teacher's bins: terms/ld_same.wgsl and ld_rebinned.wgsl.

struct Params {
#include "head_box_fields.wgsl"
  image_slots: u32,
  /// COUNT_POSITIVES or COUNT_SAMPLES
  which: u32,
  temperature: f32,
  /// see head_records.wgsl
  other_records: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

/// Whether the gradient already holds that of distillation at all locations.
override ADDS: bool = false;
/// LD sums over the bins; else it is their mean.
override LD_SUMS: bool = false;

#include "head_box_pass.wgsl"
#include "../lib/bins.wgsl"
#include "../lib/kl.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = workgroup.y;
  let positives = count_of(image, COUNT_POSITIVES);
  let positives_before = count_before(image, COUNT_POSITIVES);
  let others = params.other_records + OTHER * (count_before(image, COUNT_SAMPLES) - positives_before);
  let part = part_of(0u, count_of(image, params.which), workgroup.x, workgroups.x);
  for (var i = part.x + local; i < part.y; i += ROWS) {
    let sample = samples[image * params.image_slots + i];
    let at = place_of(sample.location, image);
    let record = RECORD * (positives_before + i);
    let is_main = i < positives;
    var main_factor = 0.0;
    if (is_main) {
      main_factor = bitcast<f32>(records[record + RECORD_LD_WEIGHT]) * factors[factor_at(TERM_LD, at.level)];
    }
    let vlr_factor = sample.vlr * factors[factor_at(TERM_LD_VLR, at.level)];
    var loss = 0.0;
    if (main_factor + vlr_factor != 0.0) {
      loss = distil(at, main_factor + vlr_factor, ADDS || is_main);
    }
    let vlr_loss = coded(vlr_factor * loss, sample.location);
    if (is_main) {
      records[record + TERM_LD] = coded(main_factor * loss, sample.location);
      records[record + TERM_LD_VLR] = vlr_loss;
    } else {
      records[others + OTHER * (i - positives) + OTHER_LD] = vlr_loss;
    }
  }
}
