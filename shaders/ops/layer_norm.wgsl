// Layer normalization (Ba, Kiros and Hinton, 2016): scale[i] · (x − mean) / √(variance + ε) + shift[i], the statistics over a row. One
// workgroup a row.
struct Params {
  rows: u32,
  length: u32,
  epsilon: f32,
  has_shift: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [rows, length]
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
/// [length], read if has_shift
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
/// [rows]: mean, 1/√(variance + ε)
@group(0) @binding(5) var<storage, read_write> statistics: array<vec2f>;

override LANES: u32 = 64;
var<workgroup> lane_sums: array<f32, LANES>;

/// Σ own over the lanes, in a fixed order.
fn sum_of_lanes(local: u32, own: f32) -> f32 {
  lane_sums[local] = own;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  let sum = lane_sums[0];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Workgroups beyond the last row repeat it: all take part in the barriers.
  let row = min(workgroup.y * workgroups.x + workgroup.x, params.rows - 1u);
  let start = row * params.length;
  var sum = 0.0;
  for (var i = local; i < params.length; i += LANES) {
    sum += input[start + i];
  }
  let mean = sum_of_lanes(local, sum) / f32(params.length);
  var squares = 0.0;
  for (var i = local; i < params.length; i += LANES) {
    let distance = input[start + i] - mean;
    squares += distance * distance;
  }
  let inverse = inverseSqrt(sum_of_lanes(local, squares) / f32(params.length) + params.epsilon);
  if (local == 0u) {
    statistics[row] = vec2f(mean, inverse);
  }
  for (var i = local; i < params.length; i += LANES) {
    var value = (input[start + i] - mean) * inverse * scale[i];
    if (params.has_shift != 0u) {
      value += shift[i];
    }
    output[start + i] = value;
  }
}
