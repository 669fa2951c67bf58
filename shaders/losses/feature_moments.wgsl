// Mean and deviation of each channel of both nets' features over the images and locations of a level, a workgroup a channel and level.
//   batch norm (Ioffe and Szegedy, ICML 2015): deviation = sqrt(variance + epsilon), the variance biased
//   PEARSON (PKD, Cao et al., NeurIPS 2022):   deviation = sqrt(variance) + epsilon, the variance unbiased
struct Params {
  batch: u32,
  channels: u32,
  epsilon: f32,
  levels: array<vec4u, 8>,
}
@group(0) @binding(0) var<uniform> params: Params;
/// pyramid of `channels` channels
@group(0) @binding(1) var<storage, read> student: array<f32>;
@group(0) @binding(2) var<storage, read> teacher: array<f32>;
/// [levels, channels]: (mean, 1 / deviation) of the student, then of the teacher
@group(0) @binding(3) var<storage, read_write> norms: array<vec4f>;
/// [levels, channels]: what the gradient through the student's deviation takes from it, see feature_pearson.wgsl
@group(0) @binding(4) var<storage, read_write> pulls: array<f32>;

override LANES: u32 = 64;
override PEARSON: bool = false;

struct Moments {
  /// sums of squared distances from the means: the student's, the teacher's, and of the products of both
  squares: vec3f,
  count: f32,
  /// student's, teacher's
  mean: vec2f,
}
var<workgroup> lane_moments: array<Moments, LANES>;

/// Joins the moments of two sets (Chan, Golub and LeVeque, 1979): no cancellation, however large the means.
fn merge(a: Moments, b: Moments) -> Moments {
  if (b.count == 0.0) {
    return a;
  }
  let count = a.count + b.count;
  let distance = b.mean - a.mean;
  let products = vec3f(distance * distance, distance.x * distance.y) * (a.count * b.count / count);
  return Moments(a.squares + b.squares + products, count, a.mean + distance * (b.count / count));
}

/// The moments of every LANES-th element of a map.
fn moments_of(start: u32, area: u32, local: u32) -> Moments {
  if (local >= area) {
    return Moments();
  }
  // Distances from a value of the map itself keep the squares small.
  let origin = vec2f(student[start + local], teacher[start + local]);
  var count = 0.0;
  var sum = vec2f();
  var squares = vec3f();
  for (var i = start + local; i < start + area; i += LANES) {
    let distance = vec2f(student[i], teacher[i]) - origin;
    sum += distance;
    squares += vec3f(distance * distance, distance.x * distance.y);
    count += 1.0;
  }
  let mean = sum / count;
  return Moments(squares - vec3f(sum * mean, sum.x * mean.y), count, origin + mean);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let channel = workgroup.x;
  let level = workgroup.y;
  let entry = params.levels[level];
  let area = entry.y * entry.z;
  var own = Moments();
  for (var image = 0u; image < params.batch; image++) {
    let start = params.batch * params.channels * entry.x + (image * params.channels + channel) * area;
    own = merge(own, moments_of(start, area, local));
  }
  lane_moments[local] = own;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_moments[local] = merge(lane_moments[local], lane_moments[local + half]);
    }
    workgroupBarrier();
  }
  if (local > 0u) {
    return;
  }
  let all = lane_moments[0];
  let row = level * params.channels + channel;
  let squares = max(all.squares.xy, vec2f());
  if (PEARSON) {
    // Of one value the deviation is 0.
    let freedom = max(all.count - 1.0, 1.0);
    let deviation = sqrt(squares / freedom);
    let inverse = 1.0 / (deviation + params.epsilon);
    norms[row] = vec4f(all.mean.x, inverse.x, all.mean.y, inverse.y);
    let excess = (squares.x * inverse.x - all.squares.z * inverse.y) / freedom;
    pulls[row] = select(0.0, excess / deviation.x, deviation.x > 0.0);
  } else {
    let inverse = inverseSqrt(squares / all.count + params.epsilon);
    norms[row] = vec4f(all.mean.x, inverse.x, all.mean.y, inverse.y);
  }
}
