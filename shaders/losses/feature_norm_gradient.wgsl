// In place: the gradient g with respect to normalised features s becomes that of the features themselves, through mean and deviation.
//   batch norm (Ioffe and Szegedy, ICML 2015):  (g - mean(g) - s mean(g s)) / deviation
//   ALIGNS, of align_channels.wgsl:  sd_t (g - mean(g) - s sum(g s) (sd + epsilon) / (sd (m - 1))) / (sd + epsilon), m values of a channel
// A workgroup a channel and level.
struct Params {
  batch: u32,
  channels: u32,
  /// of the deviations, with ALIGNS
  epsilon: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
/// see feature_moments.wgsl
@group(0) @binding(2) var<storage, read> norms: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;

override LANES: u32 = 64;
override ALIGNS: bool = false;
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
  let count = f32(params.batch * area);
  let mean = lane_sums[0].x / count;
  var pull = lane_sums[0].y / count;
  var scale = norm.y;
  if (ALIGNS) {
    let deviation = 1.0 / norm.y - params.epsilon;
    // A channel of equal values has no deviation to change.
    pull = select(0.0, lane_sums[0].y / (norm.y * deviation * max(count - 1.0, 1.0)), deviation > 0.0);
    scale *= 1.0 / norm.w - params.epsilon;
  }
  for (var image = 0u; image < params.batch; image++) {
    let start = first + image * params.channels * area;
    for (var i = start + local; i < start + area; i += LANES) {
      gradient[i] = scale * (gradient[i] - mean - (student[i] - norm.x) * norm.y * pull);
    }
  }
}
