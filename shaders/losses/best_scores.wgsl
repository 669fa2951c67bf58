// scores[location] = the largest sigmoid of the location's class logits; NaN where one of these is NaN or infinite.
struct Params {
  batch: u32,
  level_count: u32,
  classes: u32,
  locations: u32,
  levels: array<vec4u, 8>,
  logits_layout: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// class logits, laid out as `logits_layout` says
@group(0) @binding(1) var<storage, read> logits: array<f32>;
/// [locations]
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;

#include "../lib/index.wgsl"
#include "../lib/layout.wgsl"
#include "../lib/logistic.wgsl"
#include "../lib/pyramid.wgsl"
#include "head_coded.wgsl"

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let location = linear_index(workgroup, workgroups, local, 64u);
  if (location >= params.locations) {
    return;
  }
  let at = locate(location);
  let entry = params.logits_layout[at.level];
  var best = logits[strided(entry, at.image, 0u, at.index)];
  var bad = is_bad(best);
  for (var c = 1u; c < params.classes; c++) {
    let logit = logits[strided(entry, at.image, c, at.index)];
    bad |= is_bad(logit);
    best = max(best, logit);
  }
  scores[location] = bitcast<f32>(select(bitcast<u32>(logistic(best).score), 0x7fc00000u, bad));
}
