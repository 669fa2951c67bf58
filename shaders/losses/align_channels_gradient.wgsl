// The gradient of align_channels.wgsl, through the student's means and deviations; those of the teacher are constants. With n the
// student's normalised feature, g = sd_t incoming and m the values of the channel:
//   (g - mean(g) - n sum(g n) (sd + epsilon) / (sd (m - 1))) / (sd + epsilon).  A workgroup a channel and level.
struct Params {
  batch: u32,
  channels: u32,
  epsilon: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
/// see feature_moments.wgsl
@group(0) @binding(2) var<storage, read> norms: array<vec4f>;
/// like the student
@group(0) @binding(3) var<storage, read> incoming: array<f32>;
/// like the student
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;

override LANES: u32 = 64;
/// sums of incoming and of incoming n
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
      sums += incoming[i] * vec2f(1.0, (student[i] - norm.x) * norm.y);
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
  let deviation = 1.0 / norm.y - params.epsilon;
  // A channel of equal values has no deviation to change.
  let pull = select(0.0, lane_sums[0].y / (norm.y * deviation * max(count - 1.0, 1.0)), deviation > 0.0);
  let mean = lane_sums[0].x / count;
  let scale = norm.y * (1.0 / norm.w - params.epsilon);
  for (var image = 0u; image < params.batch; image++) {
    let start = first + image * params.channels * area;
    for (var i = start + local; i < start + area; i += LANES) {
      gradient[i] = scale * (incoming[i] - mean - (student[i] - norm.x) * norm.y * pull);
    }
  }
}
