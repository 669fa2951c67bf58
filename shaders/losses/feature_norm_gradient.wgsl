// In place: the gradient with respect to normalised features s becomes that of the features themselves, through mean and deviation
// (batch norm, Ioffe and Szegedy, ICML 2015):  (g - mean(g) - s mean(g s)) / deviation.  A workgroup a channel and level.
struct Params {
  batch: u32,
  channels: u32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
/// see feature_moments.wgsl
@group(0) @binding(2) var<storage, read> norms: array<vec4f>;
/// like the student
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

override LANES: u32 = 64;
/// sums of g and of g s
var<workgroup> lane_sums: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let entry = params.levels[workgroup.y];
  let area = entry.y * entry.z;
  let norm = norms[workgroup.y * params.channels + workgroup.x];
  let first = params.batch * params.channels * entry.x + workgroup.x * area;
  var own = vec2f();
  for (var image = 0u; image < params.batch; image++) {
    let start = first + image * params.channels * area;
    var sums = vec2f();
    for (var i = start + local; i < start + area; i += LANES) {
      sums += gradient[i] * vec2f(1.0, (student[i] - norm.x) * norm.y);
    }
    own += sums;
  }
  lane_sums[local] = own;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  let means = lane_sums[0] / f32(params.batch * area);
  for (var image = 0u; image < params.batch; image++) {
    let start = first + image * params.channels * area;
    for (var i = start + local; i < start + area; i += LANES) {
      gradient[i] = norm.y * (gradient[i] - means.x - (student[i] - norm.x) * norm.y * means.y);
    }
  }
}
