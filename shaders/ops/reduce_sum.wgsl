// output = scale · Σ input over some dimensions. A workgroup sums one element, each invocation every LANES-th term, then a tree in a fixed
// order.
struct Params {
  /// elements of the output
  count: u32,
  /// terms of each
  terms: u32,
  scale: f32,
  /// (step, extent) of the output's dimensions, outermost first
  kept: array<vec4u, 6>,
  /// of those summed over
  summed: array<vec4u, 6>,
}
override KEPT: u32 = 6;
override SUMMED: u32 = 6;
override LANES: u32 = 64;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> output: array<f32>;

var<workgroup> lane_sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) workgroups: vec3u, @builtin(local_invocation_index) local: u32) {
  let element = workgroup.y * workgroups.x + workgroup.x;
  var rest = element;
  var first = 0u;
  for (var d = KEPT - 1u; d > 0u; d--) {
    first += rest % params.kept[d].y * params.kept[d].x;
    rest /= params.kept[d].y;
  }
  first += rest * params.kept[0].x;

  var sum = 0.0;
  for (var term = local; term < params.terms; term += LANES) {
    var at = first;
    var left = term;
    for (var d = SUMMED - 1u; d > 0u; d--) {
      at += left % params.summed[d].y * params.summed[d].x;
      left /= params.summed[d].y;
    }
    sum += input[at + left * params.summed[0].x];
  }
  lane_sums[local] = sum;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      lane_sums[local] += lane_sums[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u && element < params.count) {
    output[element] = params.scale * lane_sums[0];
  }
}
