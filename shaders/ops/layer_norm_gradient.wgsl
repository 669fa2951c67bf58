// Gradient of layer_norm.wgsl with respect to its input. With n the normalised input and g = scale[i] · incoming, means over the row:
// gradient = (g − mean(g) − n · mean(g·n)) / √(variance + ε). One workgroup a row.
struct Params {
  rows: u32,
  length: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// [rows, length]
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read> incoming: array<f32>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
/// [rows]: mean, 1/√(variance + ε)
@group(0) @binding(4) var<storage, read> statistics: array<vec2f>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;

override LANES: u32 = 64;
var<workgroup> lane_sums: array<vec2f, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  // Workgroups beyond the last row repeat it: all take part in the barriers.
  let row = min(workgroup.y * workgroups.x + workgroup.x, params.rows - 1u);
  let start = row * params.length;
  let mean = statistics[row].x;
  let inverse = statistics[row].y;
  var sums = vec2f();
  for (var i = local; i < params.length; i += LANES) {
    let g = scale[i] * incoming[start + i];
    sums += g * vec2f(1.0, (input[start + i] - mean) * inverse);
  }
  lane_sums[local] = sums;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  let means = lane_sums[0] / f32(params.length);
  for (var i = local; i < params.length; i += LANES) {
    let n = (input[start + i] - mean) * inverse;
    gradient[start + i] = inverse * (scale[i] * incoming[start + i] - means.x - n * means.y);
  }
}
